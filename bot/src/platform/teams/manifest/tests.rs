use std::io::Read as _;

use super::*;

const APP: Package<'static> = Package {
    app_id: "11111111-2222-3333-4444-555555555555",
    version: "0.1.0",
    public_url: Some("https://help.example.org/"),
    hear_everything: true,
};

fn text<'a>(manifest: &'a Value, pointer: &str) -> &'a str {
    manifest.pointer(pointer).and_then(Value::as_str).expect(pointer)
}

/// The lengths are those of Microsoft's published schema.
#[test]
fn texts_keep_to_the_schemas_limits() {
    let manifest = manifest(&APP);
    for (pointer, longest) in [
        ("/version", 256),
        ("/developer/name", 32),
        ("/developer/websiteUrl", 2048),
        ("/name/short", 30),
        ("/name/full", 100),
        ("/description/short", 80),
        ("/description/full", 4000),
        ("/bots/0/commandLists/0/commands/0/title", 128),
        ("/bots/0/commandLists/0/commands/1/description", 4000),
        ("/composeExtensions/0/commands/0/id", 64),
        ("/composeExtensions/0/commands/0/title", 32),
        ("/composeExtensions/0/commands/0/description", 128),
        ("/validDomains/0", 2048),
        ("/authorization/permissions/resourceSpecific/0/name", 128),
    ] {
        let length = text(&manifest, pointer).chars().count();
        assert!((1..=longest).contains(&length), "{pointer} has {length} characters");
    }
}

#[test]
fn addresses_are_by_tls_and_domains_are_bare() {
    for (public_url, base, host) in [
        (None, PLACEHOLDER_URL, "firstline.example.com"),
        (Some("http://localhost:8080"), PLACEHOLDER_URL, "firstline.example.com"),
        (Some("https://help.example.org/"), "https://help.example.org", "help.example.org"),
        (Some("https://x.example:8443/bot"), "https://x.example:8443/bot", "x.example"),
    ] {
        let manifest = manifest(&Package { public_url, ..APP });
        for pointer in ["websiteUrl", "privacyUrl", "termsOfUseUrl"] {
            assert_eq!(text(&manifest, &format!("/developer/{pointer}")), base);
        }
        assert_eq!(manifest["validDomains"], json!([host]));
    }
}

#[test]
fn the_bot_the_command_and_the_permissions() {
    for (hear_everything, permissions) in [
        (false, Value::Null),
        (
            true,
            json!([
                { "name": "ChannelMessage.Read.Group", "type": "Application" },
                { "name": "ChatMessage.Read.Chat", "type": "Application" },
            ]),
        ),
    ] {
        let manifest = manifest(&Package { hear_everything, ..APP });
        assert_eq!(manifest["authorization"]["permissions"]["resourceSpecific"], permissions);
        let application = &manifest["webApplicationInfo"]["id"];
        assert_eq!(application == APP.app_id, hear_everything);
        for pointer in ["/id", "/bots/0/botId", "/composeExtensions/0/botId"] {
            assert_eq!(text(&manifest, pointer), APP.app_id, "{pointer}");
        }
        assert_eq!(manifest["bots"][0]["scopes"], json!(["personal", "team", "groupChat"]));
        let command = &manifest["composeExtensions"][0]["commands"][0];
        assert_eq!(command["context"], json!(["message"]));
        assert_eq!((&command["fetchTask"], &command["id"]), (&json!(true), &json!(FILE_TICKET)));
        assert!(text(&manifest, "/$schema").contains("/v1.22/"));
        assert_eq!(text(&manifest, "/manifestVersion"), "1.22");
    }
}

fn unpacked(archive: Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(archive)).expect("a zip file");
    let file = |at: usize| {
        let mut file = archive.by_index(at).expect("a file");
        let mut content = Vec::new();
        file.read_to_end(&mut content).expect("its content");
        (file.name().expect("a name").into_owned(), content)
    };
    (0..3).map(file).collect()
}

#[test]
fn the_package_holds_what_the_manifest_names() {
    let archive = package(&APP).expect("a package");
    assert_eq!(archive, package(&APP).expect("a package"), "the same again");
    assert!(archive.len() < 40_000, "{} bytes", archive.len());
    let files = unpacked(archive);
    let content = |wanted: &str| {
        let file = files.iter().find(|(name, _)| name == wanted);
        file.map(|(_, content)| content.clone()).expect(wanted)
    };
    let read: Value = serde_json::from_slice(&content("manifest.json")).expect("JSON");
    assert_eq!(read, manifest(&APP));
    for (icon, side) in [("/icons/color", 192), ("/icons/outline", 32)] {
        let picture = content(text(&read, icon));
        assert_eq!(pixels(&picture).len(), side * side, "{icon}");
    }
}

/// Reads a picture made here, checking what its format demands.
fn pixels(png: &[u8]) -> Vec<[u8; 4]> {
    let rest = png.strip_prefix(b"\x89PNG\r\n\x1a\n").expect("a signature");
    let word = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().expect("four bytes"));
    let (mut rest, mut data, mut side) = (rest, Vec::new(), 0);
    while !rest.is_empty() {
        let length = word(&rest[..4]) as usize;
        let (chunk, after) = rest[4..].split_at(length + 8);
        assert_eq!(icon::crc32(&chunk[..length + 4]), word(&chunk[length + 4..]));
        match &chunk[..4] {
            b"IHDR" => side = word(&chunk[4..8]) as usize,
            b"IDAT" => data.extend(&chunk[4..length + 4]),
            _ => assert!(after.is_empty(), "IEND is last"),
        }
        rest = after;
    }
    assert_eq!(&data[..2], [0x78, 0x01]);
    let (body, sum) = data[2..].split_at(data.len() - 6);
    let (mut body, mut raw) = (body, Vec::new());
    while !body.is_empty() {
        let length = u16::from_le_bytes([body[1], body[2]]);
        assert_eq!(!length, u16::from_le_bytes([body[3], body[4]]));
        let (block, after) = body[5..].split_at(usize::from(length));
        assert_eq!(body[0] == 1, after.is_empty(), "only the last block says so");
        raw.extend(block);
        body = after;
    }
    assert_eq!(icon::adler32(&raw), word(sum));
    let rows = raw.chunks_exact(side * 4 + 1);
    let pixels = rows.flat_map(|row| row[1..].as_chunks::<4>().0);
    pixels.copied().collect()
}

#[test]
fn checksums_are_the_known_ones() {
    assert_eq!(icon::crc32(b"123456789"), 0xCBF4_3926);
    assert_eq!(icon::crc32(b"IEND"), 0xAE42_6082);
    assert_eq!(icon::adler32(b"Wikipedia"), 0x11E6_0398);
}

#[test]
fn the_outline_is_white_on_nothing_and_the_color_icon_opaque() {
    let outline = pixels(&icon::outline());
    assert!(outline.iter().all(|[r, g, b, _]| [*r, *g, *b] == [255; 3]));
    let seen = outline.iter().filter(|[_, _, _, a]| *a == 255).count();
    assert!((60..400).contains(&seen), "{seen} pixels");
    assert_eq!(outline[0][3], 0);
    let color = pixels(&icon::color());
    assert!(color.iter().all(|[_, _, _, a]| *a == 255));
    let white = color.iter().filter(|pixel| **pixel == [255; 4]).count();
    assert!((8000..20_000).contains(&white), "{white} pixels");
}
