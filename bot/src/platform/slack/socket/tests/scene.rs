//! A connection to the stand-in with everything around it: whoever gives addresses, and whoever
//! takes what comes.

use std::collections::VecDeque;
use std::sync::Mutex;

use tokio::task::JoinHandle;

use super::*;

/// Nothing here takes so long; whoever waits longer waits for what never comes.
const PATIENCE: Duration = Duration::from_secs(20);

/// So many connections, no waits, and otherwise all the time that is needed.
pub(super) fn quick(connections: usize) -> Settings {
    Settings {
        connections,
        hello: PATIENCE,
        silence: PATIENCE,
        patience: PATIENCE,
        leave: PATIENCE,
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(4),
        steady: Duration::ZERO,
        at_once: 64,
        stop: PATIENCE,
    }
}

/// Gives the stand-in's addresses.
pub(super) struct Door {
    fake: SocketMode,
    refusals: Mutex<VecDeque<SlackError>>,
    elsewhere: Mutex<Option<String>>,
    asked: watch::Sender<usize>,
    held: watch::Sender<bool>,
}

impl Door {
    pub(super) fn new(fake: &SocketMode) -> Arc<Door> {
        Arc::new(Door {
            fake: fake.clone(),
            refusals: Mutex::default(),
            elsewhere: Mutex::default(),
            asked: watch::Sender::new(0),
            held: watch::Sender::new(false),
        })
    }

    /// The next calls end so.
    pub(super) fn refuse(&self, errors: impl IntoIterator<Item = SlackError>) {
        self.refusals.lock().unwrap().extend(errors);
    }

    /// Every later address is this one.
    pub(super) fn lead_to(&self, url: &str) {
        *self.elsewhere.lock().unwrap() = Some(url.to_owned());
    }

    /// No call is answered while this is so.
    pub(super) fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    pub(super) fn asked(&self) -> usize {
        *self.asked.borrow()
    }
}

#[async_trait]
impl Opener for Door {
    async fn open(&self) -> Result<String, SlackError> {
        self.asked.send_modify(|asked| *asked += 1);
        self.held.subscribe().wait_for(|held| !held).await.unwrap();
        if let Some(error) = self.refusals.lock().unwrap().pop_front() {
            return Err(error);
        }
        let elsewhere = self.elsewhere.lock().unwrap().clone();
        Ok(elsewhere.unwrap_or_else(|| self.fake.address()["url"].as_str().unwrap().to_owned()))
    }
}

#[derive(Default)]
pub(super) struct Work {
    pub(super) seen: Vec<(Kind, Value)>,
    /// Being handled now, and most at once.
    pub(super) busy: usize,
    pub(super) peak: usize,
    /// Those that are to wait need not any longer.
    pub(super) open: bool,
    /// Those that are to fail do.
    pub(super) trouble: bool,
}

/// Takes what comes; the payload says how: `wait`, `refuse` or `panic`, and what to `answer`.
pub(super) struct Desk(watch::Sender<Work>);

impl Desk {
    pub(super) fn set(&self, how: impl FnOnce(&mut Work)) {
        self.0.send_modify(how);
    }

    pub(super) async fn until(&self, holds: impl FnMut(&Work) -> bool) {
        let mut work = self.0.subscribe();
        let came = timeout(PATIENCE, work.wait_for(holds)).await;
        assert!(came.is_ok(), "waited in vain for the desk");
    }

    pub(super) fn seen(&self) -> Vec<(Kind, Value)> {
        self.0.borrow().seen.clone()
    }

    pub(super) fn peak(&self) -> usize {
        self.0.borrow().peak
    }
}

#[async_trait]
impl Receiver for Desk {
    async fn receive(&self, kind: Kind, payload: Value) -> Result<Option<Value>, Unavailable> {
        self.set(|work| {
            work.seen.push((kind, payload.clone()));
            work.busy += 1;
            work.peak = work.peak.max(work.busy);
        });
        if payload["wait"] == true {
            self.until(|work| work.open).await;
        }
        let trouble = self.0.borrow().trouble;
        self.set(|work| work.busy -= 1);
        assert!(!trouble || payload["panic"] != true, "as it was asked to");
        if trouble && payload["refuse"] == true {
            return Err(Unavailable("the disk is full".into()));
        }
        Ok(payload.get("answer").cloned())
    }
}

pub(super) struct Scene {
    pub(super) fake: SocketMode,
    pub(super) door: Arc<Door>,
    pub(super) desk: Arc<Desk>,
    settings: Settings,
    status: watch::Receiver<Status>,
    telling: Option<watch::Sender<Status>>,
    stop: watch::Sender<bool>,
    running: Option<JoinHandle<()>>,
}

impl Scene {
    pub(super) async fn prepare(settings: Settings) -> Scene {
        let fake = SocketMode::start().await;
        let (telling, status) = watch::channel(Status::default());
        Scene {
            door: Door::new(&fake),
            fake,
            desk: Arc::new(Desk(watch::Sender::new(Work::default()))),
            settings,
            status,
            telling: Some(telling),
            stop: watch::Sender::new(false),
            running: None,
        }
    }

    pub(super) fn start(&mut self) {
        let telling = self.telling.take().unwrap();
        let (door, desk) = (self.door.clone(), self.desk.clone());
        let connected = keep_connected(door, desk, self.settings, self.stop.subscribe(), telling);
        self.running = Some(tokio::spawn(connected));
    }

    /// Started, and all connections open.
    pub(super) async fn begin(settings: Settings) -> Scene {
        let mut scene = Scene::prepare(settings).await;
        scene.start();
        scene.status("connected", |it| it.connected == settings.connections).await;
        scene.fake.watch_fewest();
        scene
    }

    pub(super) async fn status(&mut self, what: &str, holds: impl FnMut(&Status) -> bool) {
        let came = timeout(PATIENCE, self.status.wait_for(holds)).await;
        assert!(came.is_ok_and(|it| it.is_ok()), "waited in vain: {what}");
    }

    /// Since when it is as it is.
    pub(super) fn since(&self) -> Instant {
        self.status.borrow().since
    }

    pub(super) async fn acknowledged(&self, envelope: &str) {
        self.fake.until("an acknowledgement", |fake| fake.times(envelope) > 0).await;
    }

    pub(super) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Stops and waits until everything has ended.
    pub(super) async fn end(self) {
        self.stop();
        timeout(PATIENCE, self.running.unwrap()).await.unwrap().unwrap();
    }
}
