//! Commands, buttons and forms, and the one answer each of them gets.

use std::time::Duration;

use serde_json::json;
use serenity::all::{
    ActionRowComponent, ComponentInteractionDataKind, CreateActionRow, CreateAutocompleteResponse,
    CreateButton, CreateInputText, CreateInteractionResponse, CreateInteractionResponseFollowup,
    CreateInteractionResponseMessage, CreateMessage, CreateModal, CreateSelectMenu,
    CreateSelectMenuKind, CreateSelectMenuOption, EditInteractionResponse, GatewayIntents,
    InputTextStyle, Interaction, MessageId,
};

use super::{ANA, Desk, HELP, HELP_CHANNEL, LEADS, OLGA, refusal};

#[tokio::test]
async fn a_command_opens_a_form_and_the_form_is_answered() {
    let mut desk = Desk::new().await;
    desk.registers().await;
    assert_eq!(desk.discord.calls("PUT /applications/{id}/commands").len(), 1);
    let options = json!([{"name": "system", "type": 3, "value": "erp"}]);
    let command = desk.discord.command(OLGA, HELP, "ticket", options);
    let Interaction::Command(asked) = desk.asked().await else { panic!("no command came") };
    assert_eq!(asked.data.options[0].value.as_str(), Some("erp"));
    let member = asked.member.as_deref().unwrap();
    assert_eq!(member.roles, [LEADS]);
    assert!(member.permissions.unwrap().manage_messages(), "her role permits it");

    let input = CreateInputText::new(InputTextStyle::Short, "What happens?", "summary");
    let rows = vec![CreateActionRow::InputText(input)];
    let form = CreateModal::new("file", "New ticket").components(rows);
    let form = CreateInteractionResponse::Modal(form);
    asked.create_response(&desk.http, form.clone()).await.unwrap();
    let again = asked.create_response(&desk.http, form.clone()).await;
    assert_eq!(refusal(again), (400, 40_060, vec![]), "one answer is all there is");

    let submitted = desk.discord.submits_modal(OLGA, command, &[("summary", "No invoices")]);
    let Interaction::Modal(asked) = desk.asked().await else { panic!("no form came") };
    let ActionRowComponent::InputText(input) = &asked.data.components[0].components[0] else {
        panic!("no input came")
    };
    assert_eq!((&*asked.data.custom_id, input.value.as_deref()), ("file", Some("No invoices")));
    let nested = refusal(asked.create_response(&desk.http, form).await);
    assert_eq!((nested.0, nested.1), (400, 50_035), "a form answers no form");
    asked.defer_ephemeral(&desk.http).await.unwrap();
    assert!(desk.discord.responses(submitted)[0].loading());
    let edit = EditInteractionResponse::new().content("FL-1 is filed");
    asked.edit_response(&desk.http, edit).await.unwrap();
    let more = CreateInteractionResponseFollowup::new().content("and being read");
    asked.create_followup(&desk.http, more).await.unwrap();
    let responses = desk.discord.responses(submitted);
    let shown: Vec<_> = responses.iter().map(|m| (&*m.content, m.ephemeral())).collect();
    assert_eq!(shown, [("FL-1 is filed", true), ("and being read", false)]);
    assert_eq!(desk.heard().await.content, "and being read", "the bot hears what all see");
    assert_eq!(desk.discord.messages(HELP).len(), 1);

    desk.discord.age_interactions(Duration::from_secs(15 * 60));
    let late = asked.edit_response(&desk.http, EditInteractionResponse::new().content("x")).await;
    assert_eq!(refusal(late), (401, 50_027, vec![]));
}

#[tokio::test]
async fn a_button_updates_its_message_unless_the_answer_is_late() {
    let mut desk = Desk::new().await;
    let row = CreateActionRow::Buttons(vec![CreateButton::new("ack:1").label("Acknowledge")]);
    let message = CreateMessage::new().content("SEV2").components(vec![row]);
    let card = HELP_CHANNEL.send_message(&desk.http, message).await.unwrap();
    let update = || {
        let content = CreateInteractionResponseMessage::new().content("Taken").components(vec![]);
        CreateInteractionResponse::UpdateMessage(content)
    };
    desk.discord.presses(ANA, card.id.get(), "ack:1");
    let Interaction::Component(late) = desk.asked().await else { panic!("no press came") };
    desk.discord.age_interactions(Duration::from_secs(3));
    assert_eq!(refusal(late.create_response(&desk.http, update()).await), (404, 10_062, vec![]));

    let press = desk.discord.presses(ANA, card.id.get(), "ack:1");
    let Interaction::Component(asked) = desk.asked().await else { panic!("no press came") };
    assert_eq!((&*asked.data.custom_id, asked.user.id.get()), ("ack:1", ANA));
    assert_eq!(asked.message.id, card.id);
    asked.create_response(&desk.http, update()).await.unwrap();
    assert_eq!(desk.discord.answer(press).unwrap()["type"], 7);
    let now = desk.discord.message(card.id.get()).unwrap();
    assert_eq!((&*now.content, now.components), ("Taken", json!([])));
}

#[tokio::test]
async fn a_message_is_picked_an_option_completed_a_choice_made() {
    let mut desk = Desk::listening_to(GatewayIntents::non_privileged()).await;
    desk.registers().await;
    let said = desk.discord.says(HELP, ANA, "no intent lets me read this");
    desk.discord.message_command(OLGA, "File a ticket", said);
    let Interaction::Command(picked) = desk.asked().await else { panic!("no command came") };
    assert_eq!(picked.data.target_id.unwrap().get(), said);
    let target = &picked.data.resolved.messages[&MessageId::new(said)];
    assert_eq!(target.content, "no intent lets me read this");

    let typed = json!([{"name": "system", "type": 3, "value": "er", "focused": true}]);
    let typing = desk.discord.autocomplete(ANA, desk.discord.dm(ANA), "ticket", typed);
    let Interaction::Autocomplete(asked) = desk.asked().await else { panic!("nothing was typed") };
    assert_eq!((asked.user.id.get(), asked.data.autocomplete().unwrap().value), (ANA, "er"));
    let choices = CreateAutocompleteResponse::new().add_string_choice("ERP", "erp");
    let choices = CreateInteractionResponse::Autocomplete(choices);
    let many = json!({"choices": vec![json!({"name": "x", "value": "x"}); 26]});
    let many = json!({"type": 8, "data": many});
    let many = desk.http.create_interaction_response(asked.id, &asked.token, &many, vec![]).await;
    assert_eq!(refusal(many).2, ["data.choices BASE_TYPE_BAD_LENGTH"]);
    asked.create_response(&desk.http, choices).await.unwrap();
    let offered = &desk.discord.answer(typing).unwrap()["data"]["choices"];
    assert_eq!(offered[0]["value"], "erp");

    let kinds =
        CreateSelectMenuKind::String { options: vec![CreateSelectMenuOption::new("Bug", "bug")] };
    let menu = CreateSelectMenu::new("kind", kinds);
    let message = CreateMessage::new().content("Which?").select_menu(menu);
    let menu = HELP_CHANNEL.send_message(&desk.http, message).await.unwrap();
    desk.discord.selects(ANA, menu.id.get(), "kind", &["bug"]);
    let Interaction::Component(asked) = desk.asked().await else { panic!("nothing was chosen") };
    let ComponentInteractionDataKind::StringSelect { values } = &asked.data.kind else {
        panic!("no menu")
    };
    assert_eq!(values, &["bug"]);
}
