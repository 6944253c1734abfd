//! The language of a text: by script, by what the examples taught, and by trigram
//! statistics for languages the examples do not cover.

use whatlang::{Detector, Lang, Script};

use crate::triage::Example;

/// Letters from which on general statistics have their full say.
const ENOUGH: usize = 40;

const PLAUSIBLE: &[(Lang, &str)] = &[
    (Lang::Eng, "en"),
    (Lang::Deu, "de"),
    (Lang::Fra, "fr"),
    (Lang::Spa, "es"),
    (Lang::Por, "pt"),
    (Lang::Ita, "it"),
    (Lang::Nld, "nl"),
    (Lang::Pol, "pl"),
    (Lang::Swe, "sv"),
    (Lang::Dan, "da"),
    (Lang::Nob, "nb"),
    (Lang::Fin, "fi"),
    (Lang::Ces, "cs"),
    (Lang::Slk, "sk"),
    (Lang::Hun, "hu"),
    (Lang::Ron, "ro"),
    (Lang::Tur, "tr"),
    (Lang::Vie, "vi"),
    (Lang::Rus, "ru"),
    (Lang::Ukr, "uk"),
    (Lang::Bul, "bg"),
    (Lang::Ell, "el"),
    (Lang::Heb, "he"),
    (Lang::Ara, "ar"),
    (Lang::Pes, "fa"),
    (Lang::Hin, "hi"),
    (Lang::Tha, "th"),
    (Lang::Cmn, "zh"),
    (Lang::Jpn, "ja"),
    (Lang::Kor, "ko"),
];

/// The languages the examples are labelled with, in order of appearance.
pub(super) fn labels(examples: &[Example]) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for language in examples.iter().filter_map(|e| e.language.as_ref()) {
        if !labels.contains(language) {
            labels.push(language.clone());
        }
    }
    labels
}

/// BCP 47 tag of `text`. `learnt` holds the trained head's probability of each language
/// of `taught`; `context` is the message it follows, whose language a few letters share.
pub(super) fn detect(
    text: &str,
    learnt: &[f32],
    taught: &[String],
    context: Option<&str>,
) -> String {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    if letters < 4
        && let Some(before) = context
    {
        return detect(before, &[], taught, None);
    }
    let allowed: Vec<Lang> = PLAUSIBLE.iter().map(|(lang, _)| *lang).collect();
    let info = Detector::with_allowlist(allowed).detect(text);
    let general = info
        .as_ref()
        .and_then(|info| Some((PLAUSIBLE.iter().find(|(lang, _)| *lang == info.lang())?.1, info)));
    if let Some((tag, info)) = general
        && info.script() != Script::Latin
    {
        return tag.to_owned();
    }
    // Evidence adds up in the logarithm: what was taught, and what statistics say.
    let mut best = ("en", if learnt.is_empty() { UNTAUGHT + 2.0 } else { f64::MIN });
    for (tag, p) in taught.iter().zip(learnt) {
        best = stronger(best, (tag, f64::from(*p).max(1e-6).ln() + voice(general, tag, letters)));
    }
    if let Some((tag, _)) = general
        && (learnt.is_empty() || !taught.iter().any(|t| t == tag))
    {
        best = stronger(best, (tag, UNTAUGHT + voice(general, tag, letters)));
    }
    best.0.to_owned()
}

/// The standing of a language that no example taught.
const UNTAUGHT: f64 = -5.0;

fn stronger<'l>(a: (&'l str, f64), b: (&'l str, f64)) -> (&'l str, f64) {
    if b.1 > a.1 { b } else { a }
}

/// What the general statistics add for `tag`: more with more letters and more certainty.
fn voice(general: Option<(&str, &whatlang::Info)>, tag: &str, letters: usize) -> f64 {
    match general {
        Some((said, info)) if said == tag => {
            (letters as f64 / ENOUGH as f64).min(1.5) * (1.5 + 3.0 * info.confidence())
        }
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_and_languages_nobody_taught() {
        for (text, expected) in [
            ("Печатът не работи от сутринта, моля помогнете ни", "bg"),
            ("프린터가 작동하지 않습니다", "ko"),
            ("Jag kan inte logga in på min dator sedan i morse, vad ska jag göra nu?", "sv"),
            ("在线系统无法登录，请帮忙看看", "zh"),
            ("ok", "en"),
        ] {
            assert_eq!(detect(text, &[], &[], None), expected, "{text}");
        }
        let before = "Wie kann ich meinen Urlaub im System eintragen?";
        assert_eq!(detect("ok", &[], &[], Some(before)), "de");
    }
}
