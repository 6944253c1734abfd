//! `--stdin`: one JSON object a line in, one out, in the same order and flushed as it goes.
//! A bad line gets an error object and the rest goes on.

use std::io::{BufRead, Write};

use firstline_core::triage::Turn;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Done;

/// A line longer than this is refused rather than held in memory.
const MAX_LINE_BYTES: u64 = 8 * 1024 * 1024;

/// One request.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    /// Given back as it came.
    pub id: Value,
    pub text: String,
    /// What was said before, oldest first.
    #[serde(default)]
    pub thread: Vec<Turn>,
}

/// Answers every line of `input` with `answer`, whose object gets the line's id.
pub(super) async fn each(
    mut input: impl BufRead,
    mut output: impl Write,
    mut answer: impl AsyncFnMut(Line) -> anyhow::Result<Value>,
) -> anyhow::Result<Done> {
    let mut done = Done::Well;
    while let Some(line) = next(&mut input)? {
        let (id, result) = match read(&line) {
            Ok(None) => continue,
            Ok(Some(line)) => (line.id.clone(), answer(line).await),
            Err((id, problem)) => (id, Err(problem)),
        };
        let object = match result {
            Ok(Value::Object(mut fields)) => {
                fields.insert("id".to_owned(), id);
                Value::Object(fields)
            }
            Ok(other) => other,
            Err(problem) => {
                done = Done::WithFailures;
                json!({ "id": id, "error": super::output::sentence(&problem) })
            }
        };
        serde_json::to_writer(&mut output, &object)?;
        output.write_all(b"\n")?;
        output.flush()?;
    }
    Ok(done)
}

/// The next line without its end; of one that is too long, only the first bytes.
fn next(input: &mut impl BufRead) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let read = std::io::Read::take(&mut *input, MAX_LINE_BYTES + 1).read_until(b'\n', &mut line)?;
    if read == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        return Ok(Some(line));
    }
    if line.len() as u64 > MAX_LINE_BYTES {
        input.skip_until(b'\n')?;
    }
    Ok(Some(line))
}

/// The request in a line, nothing for an empty one, or its id with what is wrong.
fn read(line: &[u8]) -> Result<Option<Line>, (Value, anyhow::Error)> {
    if line.len() as u64 > MAX_LINE_BYTES {
        let limit = MAX_LINE_BYTES / 1024 / 1024;
        return Err((Value::Null, anyhow::anyhow!("the line is longer than {limit} MB")));
    }
    if line.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    serde_json::from_slice::<Line>(line).map(Some).map_err(|e| {
        // The id, if the line has a readable one, so that the error finds its request.
        let id = serde_json::from_slice::<Value>(line)
            .ok()
            .and_then(|value| value.get("id").cloned())
            .unwrap_or(Value::Null);
        let wanted = "this is not an object with \"id\", \"text\" and perhaps \"thread\"";
        (id, anyhow::Error::new(e).context(wanted))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn lines_answer_in_order_and_a_bad_one_harms_no_other() {
        let input = "{\"id\":1,\"text\":\"a\",\"thread\":[{\"from\":\"bot\",\"text\":\"x\"}]}\n\
                     \n\
                     nonsense\n\
                     {\"id\":\"c\",\"txt\":\"b\"}\n\
                     {\"id\":\"d\",\"text\":\"fails\"}\r\n\
                     {\"id\":null,\"text\":\"last\"}";
        let mut output = Vec::new();
        let done = each(input.as_bytes(), &mut output, async |line| {
            anyhow::ensure!(line.text != "fails", "no luck");
            Ok(json!({ "said": line.text, "turns": line.thread.len() }))
        })
        .await
        .unwrap();
        assert_eq!(done, Done::WithFailures);
        insta::assert_snapshot!(String::from_utf8(output).unwrap(), @r#"
        {"id":1,"said":"a","turns":1}
        {"error":"this is not an object with \"id\", \"text\" and perhaps \"thread\": expected ident at line 1 column 2.","id":null}
        {"error":"this is not an object with \"id\", \"text\" and perhaps \"thread\": unknown field `txt`, expected one of `id`, `text`, `thread` at line 1 column 15.","id":"c"}
        {"error":"no luck.","id":"d"}
        {"id":null,"said":"last","turns":0}
        "#);
    }

    #[tokio::test]
    async fn an_endless_line_and_broken_text_are_errors_too() {
        let mut input = vec![b'x'; MAX_LINE_BYTES as usize + 100];
        input.extend_from_slice(b"\n{\"id\":2,\"text\":\"\xff\"}\n{\"id\":3,\"text\":\"fine\"}\n");
        let mut output = Vec::new();
        let done = each(input.as_slice(), &mut output, async |_| Ok(json!({}))).await.unwrap();
        assert_eq!(done, Done::WithFailures);
        let lines: Vec<Value> = String::from_utf8(output)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0]["error"], "the line is longer than 8 MB.");
        assert!(lines[1]["error"].is_string());
        assert_eq!(lines[2], json!({ "id": 3 }));
    }
}
