//! The model adapter against a scripted server: well-behaved, slow, limited, broken, and
//! lying.
#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use acceptance::db::on_both;
use acceptance::model::{Heard, Reply, ScriptedModel, install_crypto};
use async_trait::async_trait;
use firstline::adapters::model::{Budget, Format, OpenAiModel, Spent, StoreBudget};
use firstline::config;
use firstline::flows::model_answer::{AnswerInput, AnswerReading, answer_with_model};
use firstline::flows::model_assess::{AssessInput, ModelReading, assess_with_model};
use firstline::ports::{Ask, Clock, Completion, Model, ModelError};
use firstline::prompts::{PassageForPrompt, Prompts};
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// Time that moves only when it is slept on or set.
#[derive(Default)]
struct TestClock(AtomicI64);

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    async fn sleep_until(&self, at: i64) {
        self.0.fetch_max(at, Ordering::SeqCst);
    }
}

#[derive(Default)]
struct TestBudget {
    used_up: AtomicBool,
    spent: Mutex<Vec<Spent>>,
}

#[async_trait]
impl Budget for TestBudget {
    async fn allowed(&self) -> bool {
        !self.used_up.load(Ordering::SeqCst)
    }

    async fn spent(&self, spent: Spent) {
        self.spent.lock().unwrap().push(spent);
    }
}

/// A server, the adapter in front of it, and what both saw.
struct Scene {
    server: ScriptedModel,
    model: OpenAiModel,
    clock: Arc<TestClock>,
    budget: Arc<TestBudget>,
}

fn settings(base_url: &str) -> config::Model {
    config::Model {
        base_url: base_url.into(),
        name: "small-1".into(),
        api_key: Some("sk-test-key".into()),
        api_key_file: None,
        timeout_s: 20,
        daily_tokens: Some(1_000),
        concurrency: 2,
        embeddings: None,
    }
}

impl Scene {
    fn over(server: ScriptedModel, timeout_s: u64) -> Self {
        let clock = Arc::new(TestClock::default());
        let budget = Arc::new(TestBudget::default());
        let config = config::Model { timeout_s, ..settings(server.base_url()) };
        let model = OpenAiModel::new(&config, &[], budget.clone(), clock.clone()).unwrap();
        Scene { server, model, clock, budget }
    }

    async fn replies(replies: Vec<Reply>) -> Self {
        Self::over(ScriptedModel::replies(replies).await.unwrap(), 20)
    }

    async fn script(script: impl Fn(&Heard) -> Reply + Send + Sync + 'static) -> Self {
        Self::over(ScriptedModel::start(script).await.unwrap(), 20)
    }

    async fn whole(&self) -> Result<Completion, ModelError> {
        self.model.complete(&ask(), None).await
    }

    /// The pieces heard, and how it ended.
    async fn streamed(&self) -> (String, Result<Completion, ModelError>) {
        let (send, mut receive) = mpsc::channel::<String>(4);
        let ask = ask();
        let listen = async {
            let mut heard = String::new();
            while let Some(piece) = receive.recv().await {
                heard.push_str(&piece);
            }
            heard
        };
        let (result, heard) = tokio::join!(self.model.complete(&ask, Some(send)), listen);
        (heard, result)
    }

    fn requests(&self) -> usize {
        self.server.heard().len()
    }

    fn spent(&self) -> Vec<Spent> {
        self.budget.spent.lock().unwrap().clone()
    }
}

fn ask() -> Ask {
    Ask {
        system: "Read.".into(),
        user: "REQUEST \"help\"".into(),
        schema_name: "trial".into(),
        schema: json!({"type": "object", "properties": {}}),
        max_tokens: 50,
    }
}

fn fine() -> Reply {
    Reply::Say(json!({"ok": "yes"}))
}

#[tokio::test]
async fn answers_whole_and_streamed() {
    let scene = Scene::replies(vec![fine()]).await;
    let completion = scene.whole().await.unwrap();
    assert_eq!(completion.text, "{\"ok\":\"yes\"}");
    assert_eq!((completion.tokens_in, completion.tokens_out), (100, 20));
    let (pieces, streamed) = scene.streamed().await;
    assert_eq!((pieces.as_str(), streamed), (completion.text.as_str(), Ok(completion.clone())));

    let heard = scene.server.heard();
    assert_eq!(heard[0].authorization.as_deref(), Some("Bearer sk-test-key"));
    assert_eq!(heard[0].body["model"], "small-1");
    assert_eq!(heard[0].schema_name(), "trial");
    assert_eq!((heard[0].streams(), heard[1].streams()), (false, true));
    let one = Spent { calls: 1, failures: 0, tokens_in: 100, tokens_out: 20 };
    assert_eq!(scene.spent(), [one, one]);
}

#[tokio::test]
async fn every_failure_has_its_name() {
    let error_200 = json!({"error": {"message": "overloaded"}}).to_string();
    for (reply, label, words) in [
        (Reply::refuse(401, "bad key sk-test-key"), "key_refused", "[key]"),
        (Reply::refuse(403, "no"), "key_refused", "403"),
        (Reply::refuse(404, "no such model"), "server", "base_url"),
        (Reply::refuse(302, ""), "server", "points elsewhere"),
        (Reply::refuse(500, "boom"), "server", "boom"),
        (Reply::limited("3600"), "rate_limited", "3600"),
        (Reply::Raw(error_200), "server", "overloaded"),
        (Reply::Raw("<html>hello</html>".into()), "unreadable", "no JSON"),
        (Reply::Raw("{\"choices\": [{\"mess".into()), "unreadable", "breaks off"),
        (Reply::Raw("{}".into()), "unreadable", "empty"),
        (Reply::Text("  ".into()), "unreadable", "empty"),
        (Reply::Stopped("{\"a\":".into(), "length"), "unreadable", "token limit"),
        (Reply::Stopped("{}".into(), "content_filter"), "unreadable", "declined"),
        (Reply::Trails("{\"a\":".into()), "unreadable", "breaks off"),
        (Reply::Half("{\"a\": \"b".into()), "unreadable", "breaks off"),
    ] {
        let scene = Scene::replies(vec![reply.clone()]).await;
        for streams in [false, true] {
            let result = if streams { scene.streamed().await.1 } else { scene.whole().await };
            let error = result.unwrap_err();
            assert_eq!(error.label(), label, "{reply:?}: {error}");
            assert!(error.to_string().contains(words), "{reply:?}: {error}");
            assert!(!error.to_string().contains("sk-test-key"), "{error}");
            // Past the pause that a limit asks for.
            scene.clock.0.fetch_add(400_000, Ordering::SeqCst);
        }
        assert!(scene.spent().iter().all(|s| s.failures == 1), "{reply:?}");
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_reached() {
    install_crypto();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = settings(&format!("http://127.0.0.1:{port}/v1"));
    let model = OpenAiModel::new(
        &config,
        &[],
        Arc::new(TestBudget::default()),
        Arc::new(TestClock::default()),
    );
    let error = model.unwrap().complete(&ask(), None).await.unwrap_err();
    assert_eq!(error.label(), "unreachable", "{error}");
}

#[tokio::test]
async fn a_slow_server_costs_its_timeout_and_no_more() {
    let server = ScriptedModel::replies(vec![Reply::Silence]).await.unwrap();
    let scene = Scene::over(server, 1);
    let (whole, (pieces, streamed)) = tokio::join!(scene.whole(), scene.streamed());
    assert_eq!(whole, Err(ModelError::Timeout(1)));
    assert_eq!((pieces.as_str(), streamed), ("", Err(ModelError::Timeout(1))));
}

#[tokio::test]
async fn waits_as_asked_within_its_time() {
    let scene = Scene::replies(vec![Reply::limited("7"), fine()]).await;
    scene.whole().await.unwrap();
    assert_eq!((scene.requests(), scene.clock.now()), (2, 7_000));
    assert_eq!(scene.spent()[0].calls, 2);

    let scene = Scene::replies(vec![Reply::limited("7"), Reply::limited("7"), fine()]).await;
    assert!(scene.streamed().await.1.is_ok());
    let scene = Scene::replies(vec![Reply::limited("0")]).await;
    assert_eq!(scene.whole().await, Err(ModelError::RateLimited(0)));
    assert_eq!(scene.requests(), 3, "patience ends");

    // Longer than a call may take: not waited for, and nobody asks before it is over.
    let scene = Scene::replies(vec![Reply::limited("60"), fine()]).await;
    assert_eq!(scene.whole().await, Err(ModelError::RateLimited(60)));
    assert_eq!(scene.whole().await, Err(ModelError::Paused(60)));
    assert_eq!(scene.requests(), 1);
    scene.clock.sleep_until(60_000).await;
    assert!(scene.whole().await.is_ok());

    let quota = json!({"error": {"message": "pay", "code": "insufficient_quota"}});
    let reply = Reply::Refuse { status: 429, retry_after: Some("1"), body: quota };
    let scene = Scene::replies(vec![reply]).await;
    assert_eq!(scene.whole().await.unwrap_err().label(), "server");
    assert_eq!(scene.requests(), 1, "waiting does not bring money");
}

#[tokio::test]
async fn a_server_error_is_tried_once_more() {
    let scene = Scene::replies(vec![Reply::refuse(503, "starting"), fine()]).await;
    assert!(scene.whole().await.is_ok());
    let overloaded = json!({"error": {"message": "busy", "code": 503}}).to_string();
    let scene = Scene::replies(vec![Reply::Raw(overloaded), fine()]).await;
    assert!(scene.streamed().await.1.is_ok());
    assert_eq!(scene.requests(), 2);
}

#[tokio::test]
async fn a_dead_model_is_left_alone_for_a_growing_pause() {
    let scene = Scene::replies(vec![Reply::refuse(500, "boom")]).await;
    for _ in 0..3 {
        assert_eq!(scene.whole().await.unwrap_err().label(), "server");
    }
    let asked = scene.requests();
    for _ in 0..20 {
        assert_eq!(scene.whole().await, Err(ModelError::Paused(10)));
    }
    assert_eq!(scene.requests(), asked, "nobody is asked during the pause");
    scene.clock.0.fetch_add(10_000, Ordering::SeqCst);
    assert_eq!(scene.whole().await.unwrap_err().label(), "server");
    assert_eq!(scene.whole().await, Err(ModelError::Paused(20)));
}

#[tokio::test]
async fn unusable_replies_of_a_living_server_open_no_breaker() {
    let scene = Scene::replies(vec![Reply::Stopped("{".into(), "length")]).await;
    for _ in 0..6 {
        assert_eq!(scene.whole().await.unwrap_err().label(), "unreadable");
    }
    let scene = Scene::replies(vec![Reply::refuse(400, "too long")]).await;
    for _ in 0..6 {
        assert_eq!(scene.whole().await.unwrap_err().label(), "server");
    }
}

#[tokio::test]
async fn a_used_up_budget_asks_nobody() {
    let scene = Scene::replies(vec![fine()]).await;
    scene.budget.used_up.store(true, Ordering::SeqCst);
    assert_eq!(scene.whole().await, Err(ModelError::OverBudget(1_000)));
    assert_eq!((scene.requests(), scene.spent().len()), (0, 0));
}

/// Refuses a request parameter the way servers do, else answers.
fn without(parameter: &'static str) -> impl Fn(&Heard) -> Reply + Send + Sync {
    move |heard| match heard.body.get(parameter) {
        Some(_) => Reply::refuse(400, &format!("Unsupported parameter: '{parameter}'")),
        None => fine(),
    }
}

#[tokio::test]
async fn what_a_server_refuses_is_left_out_and_remembered() {
    for parameter in ["response_format", "max_tokens", "temperature"] {
        let scene = Scene::script(without(parameter)).await;
        scene.whole().await.unwrap();
        let first = scene.requests();
        scene.streamed().await.1.unwrap();
        assert_eq!(scene.requests(), first + 1, "{parameter} is remembered");
    }
    let scene = Scene::script(without("stream_options")).await;
    scene.streamed().await.1.unwrap();

    let no_schema = |heard: &Heard| match heard.body["response_format"]["type"].as_str() {
        Some("json_schema") => Reply::refuse(422, "unknown type"),
        _ => fine(),
    };
    let scene = Scene::script(no_schema).await;
    scene.whole().await.unwrap();
    let heard = scene.server.heard();
    assert_eq!(heard[1].body["response_format"], json!({"type": "json_object"}));
    assert!(heard[1].system().contains("must satisfy this JSON schema"));
}

#[tokio::test]
async fn doctor_learns_what_the_server_can_do() {
    let honest = |heard: &Heard| {
        let schema = &heard.body["response_format"]["json_schema"]["schema"];
        let word = &schema["properties"]["colour"]["enum"][0];
        Reply::Say(json!({"colour": if word.is_null() { &Value::Null } else { word }}))
    };
    let probe = Scene::script(honest).await.model.probe().await.unwrap();
    assert_eq!((probe.format, probe.honoured, probe.tokens), (Format::Schema, true, 120));

    let careless = Scene::replies(vec![Reply::Say(json!({"colour": "blue"}))]).await;
    assert!(!careless.model.probe().await.unwrap().honoured);
    let plain = Scene::script(without("response_format")).await;
    assert_eq!(plain.model.probe().await.unwrap().format, Format::Plain);
    let locked = Scene::replies(vec![Reply::refuse(401, "no")]).await;
    assert_eq!(locked.model.probe().await.unwrap_err().label(), "key_refused");
}

#[test]
fn text_goes_only_to_allowed_hosts() {
    install_crypto();
    let build = |base_url: &str, destinations: &[&str]| {
        let destinations: Vec<String> = destinations.iter().map(|d| d.to_string()).collect();
        let budget = Arc::new(TestBudget::default());
        let clock = Arc::new(TestClock::default());
        OpenAiModel::new(&settings(base_url), &destinations, budget, clock)
            .map(|_| ())
            .map_err(|error| format!("{error:#}"))
    };
    assert_eq!(build("https://Models.example.com/v1", &["models.example.com"]), Ok(()));
    assert_eq!(build("http://10.0.0.7:8000/v1", &["10.0.0.7:8000"]), Ok(()));
    assert_eq!(build("http://10.0.0.7:8000/v1", &[]), Ok(()));
    for (base_url, words) in [
        ("https://models.example.com.evil.example/v1", "not among privacy.destinations"),
        ("https://10.0.0.7/v1", "not among privacy.destinations"),
        ("models.example.com/v1", "no address"),
        ("ftp://models.example.com", "http://"),
        ("https://user:secret@models.example.com/v1", "api_key"),
    ] {
        let error = build(base_url, &["models.example.com", "10.0.0.7:8000"]).unwrap_err();
        assert!(error.contains(words), "{base_url}: {error}");
    }
}

async fn assess(scene: &Scene) -> ModelReading {
    let input = AssessInput {
        text: "the labels print twice",
        thread: &[],
        catalogue: &[],
        passages: &[],
        examples: &[],
    };
    assess_with_model(&scene.model, &Prompts::load(None).unwrap(), &input).await
}

fn assessment(kind: &str) -> Reply {
    Reply::Say(json!({"kind": kind, "confidence": 0.8, "system": "none", "impact": "one",
        "urgency": "normal", "sentiment": "neutral", "language": "en", "summary": "Labels"}))
}

#[tokio::test]
async fn choices_outside_the_list_are_repaired_once() {
    let scene = Scene::replies(vec![assessment("fault"), assessment("bug")]).await;
    let reading = assess(&scene).await;
    assert_eq!(reading.assessment.map(|a| a.kind.to_string()).as_deref(), Ok("bug"));
    assert!(reading.repaired);
    let heard = scene.server.heard();
    assert_eq!(heard[0].request(), "the labels print twice");
    assert_eq!(heard[1].data("PROBLEMS").as_array().map(Vec::len), Some(1));

    for stubborn in [assessment("fault"), Reply::Text("{\"kind\": bug".into())] {
        let scene = Scene::replies(vec![stubborn]).await;
        assert!(assess(&scene).await.assessment.unwrap_err().contains("refused twice"));
        assert_eq!(scene.requests(), 2);
    }
}

async fn answer(scene: &Scene) -> (Vec<String>, Result<AnswerReading, ModelError>) {
    let passages = [PassageForPrompt { n: 1, text: "Hold the key.".into(), ..Default::default() }];
    let input = AnswerInput { text: "how do I reset it", thread: &[], passages: &passages };
    let prompts = Prompts::load(None).unwrap();
    let mut said = Vec::new();
    let reading = answer_with_model(&scene.model, &prompts, &input, &mut |statement| {
        said.push(format!("{} {:?}", statement.text, statement.cites));
    })
    .await;
    (said, reading)
}

#[tokio::test]
async fn answers_stream_and_half_an_answer_keeps_its_whole_statements() {
    let whole = json!({"abstain": null, "statements": [
        {"text": "Hold the key.", "cites": [1]}, {"text": "Wait.", "cites": [9]}]});
    let scene = Scene::replies(vec![Reply::Say(whole.clone())]).await;
    let (said, reading) = answer(&scene).await;
    // A citation of no passage comes through as it is: checking is the caller's.
    assert_eq!(said, ["Hold the key. [1]", "Wait. [9]"]);
    assert_eq!(reading.unwrap().broken_off, None);

    let text = whole.to_string();
    let first_half = text[..text.find("Wait").unwrap()].to_owned();
    for broken in [Reply::Half(first_half.clone()), Reply::Trails(first_half)] {
        let scene = Scene::replies(vec![broken]).await;
        let (said, reading) = answer(&scene).await;
        assert_eq!(said.len(), 1);
        assert_eq!(reading.unwrap().broken_off.unwrap().label(), "unreadable");
        assert_eq!(scene.spent()[0].failures, 1);
    }
    let scene = Scene::replies(vec![Reply::Half("{\"statem".into())]).await;
    assert_eq!(answer(&scene).await.1.unwrap_err().label(), "unreadable");
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_understood() {
    let text = json!({"abstain": null, "statements": [{"text": "Wait.", "cites": [1]}]});
    let body = json!({"choices": [{"message": {"content": text.to_string()}}]});
    let scene = Scene::replies(vec![Reply::Raw(body.to_string())]).await;
    let (said, reading) = answer(&scene).await;
    assert_eq!(said, ["Wait. [1]"]);
    assert!(reading.unwrap().tokens_in > 0, "estimated where the server does not count");
}

#[tokio::test]
async fn the_days_budget_is_shared_through_the_store() {
    on_both(async |store| {
        const DAY: i64 = 86_400_000;
        let clock = Arc::new(TestClock::default());
        let budget = |limit| StoreBudget::new(store.clone(), clock.clone(), "m".into(), limit);
        let (one, other) = (budget(Some(100)), budget(Some(100)));
        assert!(one.allowed().await);
        one.spent(Spent { calls: 1, failures: 0, tokens_in: 60, tokens_out: 39 }).await;
        assert!(other.allowed().await, "99 of 100 are used");
        other.spent(Spent { calls: 2, failures: 1, tokens_in: 1, tokens_out: 0 }).await;
        assert!(!one.allowed().await && !other.allowed().await);
        assert!(budget(None).allowed().await, "no limit, no end");
        let of_another = StoreBudget::new(store.clone(), clock.clone(), "n".into(), Some(1));
        assert!(of_another.allowed().await, "each model counts for itself");
        let used = store.usage("1970-01-01", "m").await.unwrap();
        let used = (used.calls, used.failures, used.tokens_in, used.tokens_out);
        assert_eq!(used, (3, 1, 61, 39));
        clock.sleep_until(DAY).await;
        assert!(one.allowed().await, "a new day has a new budget");
    })
    .await;
}

#[test]
fn a_logged_configuration_keeps_the_key_to_itself() {
    let shown = format!("{:?}", settings("https://models.example/v1"));
    assert!(!shown.contains("sk-test-key") && shown.contains("small-1"), "{shown}");
}
