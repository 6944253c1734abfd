//! Threads, pages of history, and who is where.

use acceptance::discord::{FakeDiscord, User};
use serenity::all::{ChannelId, CreateThread, GetMessages, GuildId, UserId};

use super::{ANA, Desk, HELP, HELP_CHANNEL, LEADS, OLGA, refusal};

#[tokio::test]
async fn threads_have_the_id_of_what_began_them() {
    let desk = Desk::new().await;
    desk.discord.add_forum(601, "questions");
    let asked = desk.discord.says(HELP, ANA, "The ERP is down");
    let open = async || {
        let thread = CreateThread::new("ERP");
        HELP_CHANNEL.create_thread_from_message(&desk.http, asked, thread).await
    };
    let thread = open().await.unwrap();
    assert_eq!(thread.id.get(), asked);
    assert_eq!(refusal(open().await), (400, 160_004, vec![]));
    thread.say(&desk.http, "Since when?").await.unwrap();
    let inside: Vec<_> = desk.discord.messages(asked).iter().map(|m| m.kind).collect();
    assert_eq!(inside, [21, 0], "what began it is shown first");
    let post = desk.discord.creates_forum_post(ANA, 601, "VPN", "How do I get it?");
    assert_eq!(desk.discord.threads(601), [post]);
    let post = ChannelId::new(post).to_channel(&desk.http).await.unwrap().guild().unwrap();
    assert_eq!((post.parent_id.map(ChannelId::get), &*post.name), (Some(601), "VPN"));
    let first = post.message(&desk.http, post.id.get()).await.unwrap();
    assert_eq!(first.content, "How do I get it?");
}

#[tokio::test]
async fn history_is_read_in_pages() {
    let desk = Desk::new().await;
    let ids: Vec<_> = (0..6).map(|n| desk.discord.says(HELP, ANA, &format!("m{n}"))).collect();
    let cases = [
        (GetMessages::new(), "m5 m4 m3 m2 m1 m0"),
        (GetMessages::new().limit(2), "m5 m4"),
        (GetMessages::new().before(ids[3]).limit(2), "m2 m1"),
        (GetMessages::new().before(ids[1]), "m0"),
        (GetMessages::new().after(ids[1]).limit(2), "m3 m2"),
        (GetMessages::new().after(ids[5]), ""),
        (GetMessages::new().around(ids[2]).limit(3), "m3 m2 m1"),
    ];
    for (page, wanted) in cases {
        let read = HELP_CHANNEL.messages(&desk.http, page).await.unwrap();
        let texts: Vec<_> = read.iter().map(|message| &*message.content).collect();
        assert_eq!(texts.join(" "), wanted, "{page:?}");
    }
}

#[tokio::test]
async fn people_and_their_places_are_told() {
    let desk = Desk::new().await;
    desk.discord.add_stranger(User::new(103, "sam"));
    let guild = GuildId::new(FakeDiscord::GUILD);
    assert_eq!(desk.http.get_guild(guild).await.unwrap().roles[&LEADS.into()].name, "leads");
    let olga = desk.http.get_member(guild, OLGA.into()).await.unwrap();
    assert_eq!(olga.roles, [LEADS]);
    assert_eq!(refusal(desk.http.get_member(guild, 103.into()).await), (404, 10_007, vec![]));
    assert_eq!(desk.http.get_current_user().await.unwrap().id.get(), FakeDiscord::BOT_USER);
    let application = desk.http.get_current_application_info().await.unwrap();
    assert_eq!(application.flags.unwrap().bits(), 0b11 << 14 | 0b11 << 18);
    let dm = UserId::new(ANA).create_dm_channel(&desk.http).await.unwrap();
    assert_eq!((dm.id.get(), dm.recipient.id.get()), (desk.discord.dm(ANA), ANA));
    HELP_CHANNEL.broadcast_typing(&desk.http).await.unwrap();
    assert_eq!(desk.discord.calls("POST /channels/501/typing").len(), 1);
}
