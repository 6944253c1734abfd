//! The keys requests to the service are signed by, and what the world is told of them. The
//! three private keys were made for these tests, protect nothing and are trusted nowhere
//! else; they are written down because making one takes seconds in a debug build.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair, PublicKeyComponents};
use ring::signature::RSA_PKCS1_SHA256;
use serde_json::{Value, json};

/// PKCS#8 in base64, 2048 bits each.
const PRIVATE: [&str; 3] = [
    "\
     MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDFBTvNLyRNu6uc0uWOp63PmGf7LKEX3//Hco2XbiIg\
     d/YntOOg6gqwyAcw1UOg0nG5OANCuWvBhJJVx8qySX5h2qcOO+d3moTPY9h0j3IAxi2xgkpbd6o+wSFVsS+etB1V7ZP5\
     0QbMEnugk36+gtiSxikn7VpNoQpbt4JaWZZoX209iHplI3ck5jYRMoO3i5STpThdNZmFRkmp4wvSnQxH9JHQY2zBF0Il\
     WAtutSRJSBQvPKITGM8oNQW9j3e+6HYBKFd5HeYHbycxIDgXSaX3AK+pM10GQnk8ZAN6FoJlWdefbRwZwj+rYyC/7tw2\
     RIpXa5EH6bpc8wtMUVH9n51xAgMBAAECggEAFjU5EK+R6MYw+bAnCo25kJcmD2CwNuP7raRqs+lI5P6Iq2CfMO34rwUZ\
     FGbRpPDbu0xGR9DlRc62/P7UiQSyP375Sigz9t4evs7LIRZjPBWapHHihk1mjgTQiFt82eeFEADD54qpeLrTnx3JEVnn\
     5iF6laLSRUJUC9MTWTJUeyale2lwrc8aJgwrSQR7LfXff+t/5Qjl8+CjtIDA0gwVVcSJGxAyDkFG5FgX8zRJEuNlsVKn\
     PLLu8u/two8hXd1kJOYbud01FhKgKmEkhgQ2qvHIUgweUeLVJ3Y7V2oyZOcmNpFOZ73YQtPtqqbSe02GhjmFGPDm19cU\
     xy1JfaxpTQKBgQD/Jr5POYrxkruJzcTgtJi9DJ7LIeTrw1aPsEQpWPeuU3GAok77kGmhW+G8S7wE369RTmvmwcxz3zYG\
     uRI/RNqvHDLSerVR/YhuM5Ru+OuEQcfC9byLtBZN8DedkAfgrapmKzwUCgYOQWUA3C4zvxBDtBYu8zFWKwA7ZWM+l4w4\
     PQKBgQDFrP4qDX9YzROf+wskdL4rMuJtYu6kZC9Hk4fPnxoYb2IfuQQOIe4SQh7JxJNICeQmHKAXohJQbO2cNbphHiZ8\
     MhUGTHGSolaUFVn9obd0ljwGkVTuK6hcLz/siFJwgUSVJiHNRwasdynVHsckeMNuIGh1M+r32UVPrk1275iZRQKBgQCL\
     TtX9X4eTGfA27xgdL71tCqTwd5MLfl2WmkC86oxgq8J+3x+Mjm594TLAogEIEDEijVSwawN8CFTxGr7xuGBF13mQHds9\
     5tVEhfj3FgVQ8rFkqtLE3BCJgSx8ZJVIgMlWeyiUMFzaD65b59t5+UmiDYNHIxS+3T+FLngfRpMSaQKBgQC2VcqfuZGE\
     tK1sfOEbQIAFUstfAMmFY0/lIuU8EtK8RUlqX3upGY0C1HCXxjXgVhdXPEJDamCgRMmrtDd1y5zOJFgWVj7QdeOMdmFq\
     vVd+N/GoUTfY9PY4CfFZ2ajJU8OSG/lD40b5oHU6u0gPkUEa/NO9gCU1dvki9XFIytqkTQKBgDy67zee4BruX51oEX9y\
     z1GBBwKZyx2H4u8SaCwRDQSNgexQXuJI2NjVhZ0iaB5VkL39Ebr2bEipz+LAlF3d463tB5CqeaHy99dm6F4URzixydnJ\
     m7D76H/p3kL+j8Qr/oYq2JgVBpwHTjbpFLi2C9DDBqF6XxOrNxnP7Tyvgrtg",
    "\
     MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQC2aSGBjg+ao5myxa4lseKBZp1utXNaom13s+OaXAoh\
     eYFy3S0gVw9wksqbv84cacVV3lTmQxTjhq1sDwFGdyDMz2HUQtqyh1D8LaBwr/lej2+yvUSlXIMa4THnluHxMzJuTep+\
     2oA2ujVGGaQ+CMpMoDUK6DvIi1/BXz4xAEHvLbY2U9I51uo9zt2rGnrLmLjedt7HtqvT9NxaL/UaImhLcgLQPXeFJwyO\
     OGAvxRe2ifVgZDF93cjHOYmaZl5A/qEaWZXNqE19G8QLywsnFAGCL5booKvsbRq09IVzSx+uvtdhRKLBDDVmH8qwWanw\
     F540ciZYaGz3gQrv7DLeeCr5AgMBAAECggEAFDUQCko+qgjA5nwt8zzSLPfdTaYCBAq9of6+gmt7D1OGrr74CG7Alf3a\
     /ldImd7xRpaRVOteQWjaZh/A6kmY63t3WNR5pgClzPPwg79I2qv86aH8PG3j07raBI/zUn0zk2LkDP6/aKCm9W+ygVFH\
     uOagDafltI0VE+bNTNAcncZkcw91iZPDBQdyi9w+TDIreV0YGG+dq33YAUdMKov6ZiHg4wPJcw0NgJO8Wrn2creHZBVB\
     FXx9DBZyK/1F/6+uESP4CaULxGYyWmT26ApvHMTBfVqaffCp6kpwbbj3jxyalZ5Na74yuIdAtkhR05pM/G65BBfMzbez\
     Whai/I5vIQKBgQDp/k86it+g+Y0l+wU8H9yixrDtrUVdxyzc2PV7dhq/DNs/DQ0DcFzUSko8NOAzrdZdrcdTYiSrV78e\
     dHZNpilLiIurtvr/GGwI6O7cF3EyO0sV9ZZQvnZoe5oRGZ3v8h3LB2v59AXftjMaF+iefgqopK77wHwrmH5jfpKh2+Vg\
     YQKBgQDHkOazbIGAe+wDRJjQ57lLb/RUSGuG8uCH9gCk/a47aBufmf+IyiM/bpeZV/M/xKqCT/OU/YYZjLW7VrAq8j+E\
     vxUvHNKbVJ8zyIFrgvsMsdJ2hFyD++IMDsWZ0F1ZjcCmA/IJhB0i/uxwXbsRL96vSWr9LwOtQZo686l97U8xmQKBgA1V\
     4AAPIBWVg1TRzIeTrUhdmIHDKTvh+Q2RE9R4c6fFvM0IGmDCy5eRsE9kGA757kiiecSnyD03n/3FV2SvfpT+cC9WG1Hk\
     e2u6krpaX6okNPBIccuiPy9PNAWbdyPQoaALiTzSim8ofBsVl71Io6Te1dYlLy5w32seMI8m8BihAoGAYOzZf49VnmeR\
     i0zHw76n2iG30y+ROevAbYhna7rh4mx/7hZHa9JxKB+4dXun4vLLtZrLPTOc68/Re/lweotJmlmMGmOvTk3dPLNHWEY3\
     VEURaQqEPH4bnauXAUuX6yTTyk3kQgbud87EWxbLAl/zkcLgubMZ4A4asEMjsMuPSRECgYAmolDLpfEuIRuOuNHL4zb2\
     Sq4Gu9Er8dCHXzSNn0S3DRahRC53QyVaxflGS9hOcFI0MF7z5V5BNfU/9plgXzycTLw9cdSCk0vhYLcxFl0oqsAS0SRV\
     nmRrEVAfisovjNBoRUInLRAIvYCfdZGLC33kKxylNGAiV+4PCy+hc3OR7A==",
    "\
     MIIEuwIBADANBgkqhkiG9w0BAQEFAASCBKUwggShAgEAAoIBAQCS5l/IDb9d5h+mkYGYKG/ygoCe5BFC29WnVYBVj55Y\
     fGR2e7KrDf5spF0vS4n4LrOj9U+eb0JpUbi8Dwicy9jCHK22CP+G8ny9PlDU9kx7pQtafRBMBiXWVHCH76A9wDlxJZTi\
     40aVrc0gOSFFC+Ub/FsExVYyCvdNL31VL54QsWe4MDD5JOlnJxc8I90utq7YQzjqWzotjZbRkidaglsi2VV84V2lMb5o\
     fhr32rSFzdneO3d9M5rE7hC1tVThcITZdK2utf6tkJz8g/933645TgZq6GrrKF/cxGzTaJSJNygtM6QCWRaBXaMQOhkk\
     Qe2q8Wyf/S1gyv5eTsjWO981AgMBAAECgf9TfZvyl92sAJ78jLabRGBb9NAlfnpRBaDo+i92caoNoKV4sdVaYxm3pbNQ\
     rh48cE6pYUNfSNz1/vx/5gt/Elyf9qzESVjx2eALrt9CKrpNjABn7azViKj4qAVNPWRVtGrxY+q7CXGUoLN1HQNLuvb8\
     cPFKRN44kwL7W4JgaC/uTAkxj1LhbG1P4ZrueAKsPgozcG9qfT9ScFtpwYhtjz9BJNvFWVxq4LjToPeaZ7Dfj/HLBES1\
     4ZC/FhFm8cSMFEilndjdwjyCm+8fSoK4+2/8Gxp8MxoJD54IzlxYW1NUvERMDgw3dbwJKD4egtcXLM8cU6jtAidW7Ov+\
     9PoVVUMCgYEAz779aUzx/kZN9WDIn5RGgRL3E/wlm8Ka4sI8lTjToBgispmNUxvJOJjpveqaVrHtJIoaXiVRqZEZad2r\
     QonJV+p3M6oT4xaBZ4AGpso6geMOlU4ih+tRvEx/hicwsuQA/RCdImTBcKj+VeCLK2je+bFg0C3BDYN1l8fAQ999as8C\
     gYEAtQVYk9+q5lCwz335sXpSxhAcZkj0O1dEM+FjvctOiFhSJh3nmle5Nkaa4lymxueqfGar/MrdDuOCSLvdyVcK4cJM\
     qY2vH4P6MY9yjlFJZnT2RPdKkofo2C3f6s4lG2B8X9aGEIh3LxcF9Ztxa1qXCJXqvzDW0PTyaV2WfBiCBrsCgYBLkg5c\
     38Cn3qs9N5fDdQywp1V5z59eqcvt8PpYzfMtqZn1niXqtZDdJcLhcxXxs4ewYwx0ct7h8AZunFRQQA8eDAyQnq3dTbKF\
     E+1XfvkJhq8nYOTuzItPFATPqDHu4UH6zLBccoprkQ3z71qwz9VMv1mYYQx4/fko3WDzT7kvwQKBgF9hpb6lCAO7WK68\
     Dik57wt1ycELh8UMwl8jz85dpc+p2f9Dmpl0x56VrV7Auw/rWaWa49ybd8c0kZ2Jf99rAcza+FIO2cudWuNqVk4u/qIB\
     1xGXy69R9ZqS8X1jiaHXQTGuc42amlIxq24yrZyHazWW6M49CbOonWJvca+JqlmpAoGBALyhBYTE/igXc9X0+QrfNPI/\
     0892EsfqOvC9uaS/lD6Iv3hJASHsBC+7w7XeF1PNQV7S+6yEnTEcIsGkTP3vbZXWC9prPOiA7KPCmG9G0C8VDTW141xQ\
     6jw73Ira1nH1AI225AGlY2mvm+Qa4nldY1JYO7FZlnVbS3alePbq/OG8",
];

static PAIRS: LazyLock<[KeyPair; 3]> = LazyLock::new(|| {
    PRIVATE.map(|key| KeyPair::from_pkcs8(&STANDARD.decode(key).unwrap()).unwrap())
});

/// The place of the key that is published throughout, but not for Teams.
const UNENDORSED: usize = 1;

/// The keys in use. Two take turns at signing.
pub(super) struct KeyRing {
    /// The place of the one whose turn it is.
    signs: usize,
    /// Counts the turns, so that no id comes twice.
    turn: u64,
}

impl Default for KeyRing {
    fn default() -> Self {
        KeyRing { signs: 0, turn: 1 }
    }
}

impl KeyRing {
    /// The other key takes over under a new id; the one before is withdrawn.
    pub(super) fn rotate(&mut self) {
        self.signs = self.withdrawn();
        self.turn += 1;
    }

    /// The id of the key that signs.
    pub(super) fn kid(&self) -> String {
        format!("fake-key-{}", self.turn)
    }

    /// The id of the key that is not endorsed.
    pub(super) fn unendorsed_kid(&self) -> &'static str {
        "fake-key-of-web-chat"
    }

    pub(super) fn sign(&self, text: &str) -> Vec<u8> {
        sign(self.signs, text)
    }

    /// Signed by a key nobody publishes now.
    pub(super) fn sign_withdrawn(&self, text: &str) -> Vec<u8> {
        sign(self.withdrawn(), text)
    }

    /// Signed by the key published for another channel.
    pub(super) fn sign_unendorsed(&self, text: &str) -> Vec<u8> {
        sign(UNENDORSED, text)
    }

    /// The public half of the key that signs, as PKCS#1: what someone would use as the secret
    /// of an HMAC whose checker believes the header.
    pub(super) fn public(&self) -> &[u8] {
        PAIRS[self.signs].public().as_ref()
    }

    /// The document at `jwks_uri`
    /// (<https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication>).
    pub(super) fn published(&self) -> Value {
        let teams = json!(["msteams", "emulator", "webchat", "directline", "skype"]);
        json!({"keys": [
            public(UNENDORSED, self.unendorsed_kid(), json!(["webchat", "directline"])),
            public(self.signs, &self.kid(), teams),
        ]})
    }

    fn withdrawn(&self) -> usize {
        2 - self.signs
    }
}

fn sign(key: usize, text: &str) -> Vec<u8> {
    let mut signature = vec![0; PAIRS[key].public().modulus_len()];
    let random = SystemRandom::new();
    PAIRS[key].sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature).unwrap();
    signature
}

fn public(key: usize, kid: &str, endorsements: Value) -> Value {
    let public: PublicKeyComponents<Vec<u8>> = PAIRS[key].public().into();
    json!({
        "kty": "RSA", "use": "sig", "kid": kid, "x5t": kid, "endorsements": endorsements,
        "n": URL_SAFE_NO_PAD.encode(public.n), "e": URL_SAFE_NO_PAD.encode(public.e),
    })
}
