//! The language of a text: by script, by what the examples taught, and by trigram
//! statistics for languages the examples do not cover.

use whatlang::{Detector, Lang, Script};

use crate::triage::Example;

/// Letters from which on general statistics are to be trusted.
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

/// BCP 47 tag of `text`. `learnt` is the trained head's choice with its probability;
/// `context` the message it follows, whose language a few letters share.
pub(super) fn detect(
    text: &str,
    learnt: Option<(&str, f32)>,
    taught: &[String],
    context: Option<&str>,
) -> String {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    if letters < 4
        && let Some(before) = context
    {
        return detect(before, None, taught, None);
    }
    let allowed: Vec<Lang> = PLAUSIBLE.iter().map(|(lang, _)| *lang).collect();
    let info = Detector::with_allowlist(allowed).detect(text);
    let general = info.and_then(|info| {
        let tag = PLAUSIBLE.iter().find(|(lang, _)| *lang == info.lang())?.1;
        Some((tag, info))
    });
    match (general, learnt) {
        (Some((tag, info)), _) if info.script() != Script::Latin => tag.to_owned(),
        (Some((tag, info)), Some((learnt, p))) => {
            let new = !taught.iter().any(|t| t == tag);
            let sure = info.is_reliable() && letters >= ENOUGH;
            if (new && sure && p < 0.9) || (p < 0.4 && sure) { tag } else { learnt }.to_owned()
        }
        (Some((tag, _)), None) => tag.to_owned(),
        (None, Some((learnt, _))) => learnt.to_owned(),
        (None, None) => "en".to_owned(),
    }
}
