//! Which language a document is written in, as a BCP 47 code.

use whatlang::Lang;

use crate::index::plainly_english;

/// Bytes looked at: enough to be sure, little enough to be fast.
const SAMPLE: usize = 900;

/// Detects the language of `text`; English when there is too little to be sure.
pub(crate) fn detect(text: &str) -> String {
    let mut end = text.len().min(SAMPLE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let sample = &text[..end];
    if plainly_english(sample) {
        return "en".to_owned();
    }
    let code = match whatlang::detect(sample) {
        Some(info) if info.is_reliable() || info.confidence() > 0.85 => bcp47(info.lang()),
        _ => "en",
    };
    code.to_owned()
}

fn bcp47(lang: Lang) -> &'static str {
    match lang {
        Lang::Deu => "de",
        Lang::Fra => "fr",
        Lang::Spa => "es",
        Lang::Por => "pt",
        Lang::Ita => "it",
        Lang::Nld => "nl",
        Lang::Swe => "sv",
        Lang::Dan => "da",
        Lang::Nob => "nb",
        Lang::Fin => "fi",
        Lang::Pol => "pl",
        Lang::Ces => "cs",
        Lang::Hun => "hu",
        Lang::Ron => "ro",
        Lang::Tur => "tr",
        Lang::Rus => "ru",
        Lang::Ukr => "uk",
        Lang::Ell => "el",
        Lang::Ara => "ar",
        Lang::Heb => "he",
        Lang::Cmn => "zh",
        Lang::Jpn => "ja",
        Lang::Kor => "ko",
        Lang::Vie => "vi",
        _ => "en",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detects_or_stays_english() {
        for (text, want) in [
            (
                "Die Rechnung wurde nicht gebucht, weil der Buchungszeitraum bereits geschlossen ist. Bitte wenden Sie sich an die Buchhaltung.",
                "de",
            ),
            (
                "La facture n'a pas été comptabilisée parce que la période est déjà clôturée. Veuillez contacter la comptabilité.",
                "fr",
            ),
            (
                "The invoice was not posted because the period is closed. Ask the finance team to open it.",
                "en",
            ),
            ("OK", "en"),
            ("", "en"),
        ] {
            assert_eq!(detect(text), want, "{text}");
        }
    }
}
