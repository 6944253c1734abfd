//! Payloads as no platform documents them: each differs from a good one in a single place. Tests
//! send them to whatever reads payloads.

use serde_json::{Value, json};

/// What takes a member's place, besides nothing at all.
fn shapes() -> [Value; 5] {
    let nested = json!({ "id": "X9", "type": "x9", "text": "x9", "user": { "id": ["X9"] } });
    [json!(null), json!(9), json!(""), json!([]), nested]
}

/// Every payload that differs from this one in one place, with the JSON pointer of that place:
/// an object's member gone, or what stands there replaced by null, a number, an empty text, an
/// array and an object. What stands there may hold further places.
pub(super) fn mutations(payload: &Value) -> Vec<(String, Value)> {
    let mut out = Vec::new();
    for (parent, name) in places(payload, "") {
        let place = format!("{parent}/{name}");
        let mut without = payload.clone();
        if let Some(Value::Object(members)) = without.pointer_mut(&parent) {
            members.remove(&name);
            out.push((place.clone(), without));
        }
        for shape in shapes() {
            let mut changed = payload.clone();
            if let Some(at) = changed.pointer_mut(&place) {
                *at = shape;
                out.push((place.clone(), changed));
            }
        }
    }
    out
}

/// The pointer of what holds each place, and the place's name or number within it.
fn places(value: &Value, at: &str) -> Vec<(String, String)> {
    let inside: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, v)| (name.clone(), v)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(n, v)| (n.to_string(), v)).collect(),
        _ => Vec::new(),
    };
    let mut out = Vec::new();
    for (name, value) in inside {
        let deeper = places(value, &format!("{at}/{name}"));
        out.push((at.to_owned(), name));
        out.extend(deeper);
    }
    out
}

#[test]
fn every_place_is_changed_in_every_way() {
    let all = mutations(&json!({ "a": { "b": 1 }, "c": [true] }));
    let count = |place: &str| all.iter().filter(|(at, _)| at == place).count();
    let counts = ["/a", "/a/b", "/c", "/c/0"].map(count);
    assert_eq!((counts, all.len()), ([6, 6, 6, 5], 23));
    assert!(all.contains(&("/a/b".to_owned(), json!({ "a": {}, "c": [true] }))));
    assert!(all.contains(&("/c/0".to_owned(), json!({ "a": { "b": 1 }, "c": [null] }))));
}
