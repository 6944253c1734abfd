//! Where the bot may send its token and its words: the hosts of the Bot Framework and of Teams,
//! and those the administrator named. A service address comes from outside, so all else is refused.

use std::net::{Ipv4Addr, Ipv6Addr};

use reqwest::Url;

/// Hosts of Teams' own service, by the clouds they serve. The first four are in
/// <https://learn.microsoft.com/en-us/microsoftteams/platform/bots/how-to/conversations/send-proactive-messages>,
/// the last two in the sources of Microsoft's Teams SDK (<https://github.com/microsoft/teams.net>).
const TEAMS: [&str; 6] = [
    "smba.trafficmanager.net",
    "smba.infra.gcc.teams.microsoft.com",
    "smba.infra.gov.teams.microsoft.us",
    "smba.infra.dod.teams.microsoft.us",
    "smba.onyx.prod.teams.trafficmanager.net",
    "frontend.botapi.msg.infra.teams.microsoftonline.cn",
];
/// Domains of the Bot Framework, every host of which is Microsoft's: public
/// (<https://learn.microsoft.com/en-us/azure/bot-service/bot-service-resources-faq-security>),
/// United States government
/// (<https://learn.microsoft.com/en-us/azure/bot-service/how-to-deploy-gov-cloud-high>), China
/// (<https://learn.microsoft.com/en-us/azure/bot-service/how-to-deploy-china-cloud>).
const BOT_FRAMEWORK: [&str; 3] =
    [".botframework.com", ".botframework.azure.us", ".botframework.azure.cn"];

/// The hosts that may be called.
#[derive(Debug, Clone)]
pub(super) struct Hosts {
    /// Those of Microsoft too, not only the named ones.
    microsoft: bool,
    named: Vec<Named>,
}

/// A host of an address in the configuration; any port of it will do.
#[derive(Debug, Clone)]
struct Named {
    host: String,
    /// The address was a plain one, of this machine.
    plain: bool,
}

/// Whether a file lies in a company's SharePoint, where Teams keeps what people send to bots
/// (<https://learn.microsoft.com/microsoftteams/platform/bots/how-to/bots-filesv4>).
pub(super) fn is_sharepoint(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    url.scheme() == "https"
        && url.username().is_empty()
        && url.port().is_none()
        && [".sharepoint.com", ".sharepoint.us", ".sharepoint.cn"]
            .iter()
            .any(|of| host.ends_with(of))
}

impl Hosts {
    /// Microsoft's hosts and those of `configured`: addresses the administrator wrote down in
    /// place of the defaults.
    pub(super) fn new(configured: &[&str]) -> Hosts {
        let named = configured.iter().filter_map(|address| configured_address(address));
        let named = named.filter_map(|url| {
            Some(Named { host: url.host_str()?.to_owned(), plain: url.scheme() == "http" })
        });
        Hosts { microsoft: true, named: named.collect() }
    }

    /// This machine and nothing else, for a bot that checks no token and has none to send.
    pub(super) fn loopback() -> Hosts {
        let named = ["127.0.0.1", "[::1]", "localhost"];
        let named = named.map(|host| Named { host: host.to_owned(), plain: true });
        Hosts { microsoft: false, named: named.into() }
    }

    /// Whether calls may be built on this service address.
    pub(super) fn allows(&self, service_url: &str) -> bool {
        self.service(service_url).is_some()
    }

    /// A service address as the client will read it, if it is allowed: calls append their path
    /// to it, so it has no query and no fragment.
    pub(super) fn service(&self, service_url: &str) -> Option<Url> {
        let url = Url::parse(service_url).ok()?;
        (url.query().is_none() && url.fragment().is_none() && self.admits(&url)).then_some(url)
    }

    /// Whether `url`, which may have a query, leads to an allowed host.
    pub(super) fn admits(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        if !url.username().is_empty() || url.password().is_some() {
            return false;
        }
        let tls = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return false,
        };
        let of_microsoft = TEAMS.contains(&host)
            || BOT_FRAMEWORK
                .iter()
                .any(|domain| host.strip_suffix(domain).is_some_and(|name| !name.is_empty()));
        (self.microsoft && tls && url.port().is_none() && of_microsoft)
            || self.named.iter().any(|named| named.host == host && (tls || named.plain))
    }
}

/// An address from the configuration. One without TLS counts only if it is of this machine.
pub(super) fn configured_address(address: &str) -> Option<Url> {
    let url = Url::parse(address).ok()?;
    match url.scheme() {
        "https" => Some(url),
        "http" if is_loopback(&url) => Some(url),
        _ => None,
    }
}

fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let v6 = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || v6.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_of_the_service_are_allowed() {
        let hosts = Hosts::new(&[]);
        for (address, allowed) in [
            ("https://smba.trafficmanager.net/emea/", true),
            ("https://smba.trafficmanager.net", true),
            ("https://smba.trafficmanager.net:443/teams", true),
            ("https://SMBA.TrafficManager.NET/amer/", true),
            ("https://smba.onyx.prod.teams.trafficmanager.net/", true),
            ("https://smba.infra.gcc.teams.microsoft.com/teams", true),
            ("https://smba.infra.gov.teams.microsoft.us/gcch/", true),
            ("https://smba.infra.dod.teams.microsoft.us/dod/", true),
            ("https://frontend.botapi.msg.infra.teams.microsoftonline.cn/", true),
            ("https://europe.api.botframework.com/", true),
            ("https://msteams.botframework.azure.us", true),
            ("https://api.botframework.azure.cn", true),
            // Without TLS, or another scheme.
            ("http://smba.trafficmanager.net/emea/", false),
            ("ftp://smba.trafficmanager.net/", false),
            ("file:///etc/passwd", false),
            ("smba.trafficmanager.net", false),
            ("", false),
            // Another host that looks like one.
            ("https://smba.trafficmanager.net@evil.example/", false),
            ("https://smba.trafficmanager.net:x@evil.example/", false),
            ("https://evil.example\\@smba.trafficmanager.net/", false),
            ("https://evil.example/smba.trafficmanager.net", false),
            ("https://evil.example#smba.trafficmanager.net", false),
            ("https://evil.trafficmanager.net/", false),
            ("https://x.smba.trafficmanager.net/", false),
            ("https://smba.trafficmanager.net.evil.example/", false),
            ("https://evilbotframework.com/", false),
            ("https://botframework.com/", false),
            ("https://.botframework.com/", false),
            ("https://x.botframework.com.evil.example/", false),
            ("https://botframework.azure.us.evil.example/", false),
            ("https://teams.microsoft.com.evil.example/", false),
            ("https://smba.trafficmanager.net\u{3002}evil.example/", false),
            ("https://ѕmba.trafficmanager.net/", false),
            // The right host, asked for in a way Microsoft never does.
            ("https://user@smba.trafficmanager.net/", false),
            ("https://:word@smba.trafficmanager.net/", false),
            ("https://user:word@smba.trafficmanager.net/", false),
            ("https://smba.trafficmanager.net:8443/", false),
            ("https://smba.trafficmanager.net./", false),
            ("https://smba.trafficmanager.net/?to=x", false),
            ("https://smba.trafficmanager.net/?", false),
            ("https://smba.trafficmanager.net/#x", false),
            // Addresses of this network.
            ("https://127.0.0.1/", false),
            ("http://127.0.0.1:3978/", false),
            ("https://2130706433/", false),
            ("https://[::1]/", false),
            ("https://[::ffff:127.0.0.1]/", false),
            ("https://169.254.169.254/metadata", false),
            ("https://localhost/", false),
        ] {
            assert_eq!(hosts.allows(address), allowed, "{address}");
        }
    }

    #[test]
    fn a_host_in_the_configuration_is_allowed_as_it_was_written() {
        for (configured, address, allowed) in [
            ("http://127.0.0.1:9000/keys", "http://127.0.0.1:9001/", true),
            ("http://127.0.0.1:9000/keys", "https://127.0.0.1/", true),
            ("http://127.0.0.1:9000/keys", "http://127.1:9001/", true),
            ("http://127.0.0.1:9000/keys", "http://127.0.0.2:9000/", false),
            ("http://127.0.0.1:9000/keys", "http://localhost:9000/", false),
            ("http://127.0.0.1:9000/keys", "http://user@127.0.0.1:9000/", false),
            ("http://127.0.0.1:9000/keys", "ws://127.0.0.1:9000/", false),
            ("http://127.0.0.1:9000/keys", "https://smba.trafficmanager.net/", true),
            ("http://[::1]:9000/keys", "http://[::1]:9001/", true),
            ("http://[::1]:9000/keys", "http://[0:0:0:0:0:0:0:1]:9001/", true),
            ("http://localhost:9000/keys", "http://localhost:9001/", true),
            ("http://localhost.evil.example/", "http://localhost.evil.example/", false),
            ("http://10.0.0.7:9000/", "http://10.0.0.7:9000/", false),
            ("http://teams.corp.example/", "http://teams.corp.example/", false),
            ("http://teams.corp.example/", "https://teams.corp.example/", false),
            ("https://teams.corp.example/keys", "https://teams.corp.example:8443/", true),
            ("https://teams.corp.example/keys", "https://TEAMS.corp.example/x", true),
            ("https://teams.corp.example/keys", "http://teams.corp.example/", false),
            ("https://teams.corp.example/keys", "https://x.teams.corp.example/", false),
            ("https://127.0.0.1:9000/keys", "http://127.0.0.1:9000/", false),
            ("unix:/run/teams.sock", "unix:/run/teams.sock", false),
            ("nonsense", "nonsense", false),
        ] {
            assert_eq!(
                Hosts::new(&[configured]).allows(address),
                allowed,
                "{configured} {address}"
            );
        }
    }

    #[test]
    fn without_a_check_only_this_machine_is_answered() {
        for (address, allowed) in [
            ("http://127.0.0.1:3978/", true),
            ("http://localhost:3978", true),
            ("http://[::1]:3978/", true),
            ("http://127.0.0.2:3978/", false),
            ("http://0.0.0.0:3978/", false),
            ("https://smba.trafficmanager.net/", false),
            ("http://localhost.evil.example/", false),
        ] {
            assert_eq!(Hosts::loopback().allows(address), allowed, "{address}");
        }
    }
}
