//! Activities that are nothing to the bot. What a line does not say is as in any activity.

/// By type: those of
/// <https://github.com/microsoft/Agents/blob/main/specs/activity/protocol-activity.md>, with what
/// Teams makes of them at
/// <https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/subscribe-to-conversation-events>;
/// at last messages of bots and of cards that are not this bot's.
pub(super) const PASSED_OVER: &str = r#"
{"type": "command", "name": "application/x.reload", "value": {"commandId": "1", "data": {}}}
{"type": "commandResult", "name": "application/x.reload", "value": {"commandId": "1"}}
{"type": "contactRelationUpdate", "action": "add"}
{"type": "deleteUserData"}
{"type": "endOfConversation", "code": "completedSuccessfully", "text": "bye"}
{"type": "handoff"}
{"type": "invokeResponse", "value": {"status": 200, "body": {}}}
{"type": "suggestion", "text": "there is an article", "textHighlights": [{"text": "VPN"}]}
{"type": "trace", "name": "BotState", "label": "Bot State", "valueType": "x", "value": {}}
{"type": "typing"}

{"type": "conversationUpdate", "channelData": {"eventType": "channelCreated", "channel":
 {"id": "19:new@thread.tacv2", "name": "New"}, "team": {"id": "19:t@thread.tacv2"},
 "tenant": {"id": "tenant-1"}}}
{"type": "conversationUpdate", "channelData": {"eventType": "channelRenamed", "channel":
 {"id": "19:c@thread.tacv2", "name": "Other"}, "tenant": {"id": "tenant-1"}}}
{"type": "conversationUpdate", "channelData": {"eventType": "channelDeleted", "channel":
 {"id": "19:c@thread.tacv2", "name": "Gone"}, "tenant": {"id": "tenant-1"}}}
{"type": "conversationUpdate", "channelData": {"eventType": "channelRestored", "channel":
 {"id": "19:c@thread.tacv2", "name": "Back"}, "tenant": {"id": "tenant-1"}}}
{"type": "conversationUpdate", "channelData": {"eventType": "channelShared", "channel":
 {"id": "19:c@thread.tacv2", "type": "shared"}, "sharedWithTeams": [{"id": "19:u@thread.tacv2",
 "tenantId": "tenant-2"}], "tenant": {"id": "tenant-1"}}}
{"type": "conversationUpdate", "channelData": {"eventType": "channelUnshared", "channel":
 {"id": "19:c@thread.tacv2", "type": "shared"}, "unsharedFromTeams": [{"id": "19:u@thread.tacv2"}]}}
{"type": "conversationUpdate", "membersAdded": [{"id": "29:1ben", "aadObjectId": "aad-ben"}],
 "channelData": {"eventType": "channelMemberAdded", "tenant": {"id": "tenant-1"}}}
{"type": "conversationUpdate", "membersRemoved": [{"id": "29:1ben", "aadObjectId": "aad-ben"}],
 "channelData": {"eventType": "channelMemberRemoved", "tenant": {"id": "tenant-1"}}}
{"type": "conversationUpdate", "membersAdded": [{"id": "29:1ben", "aadObjectId": "aad-ben"}],
 "channelData": {"eventType": "teamMemberAdded", "team": {"id": "19:t@thread.tacv2"}}}
{"type": "conversationUpdate", "membersRemoved": [{"id": "29:1ben"}, {"id": "28:bot"}],
 "channelData": {"eventType": "teamMemberRemoved", "team": {"id": "19:t@thread.tacv2"}}}
{"type": "conversationUpdate", "channelData": {"eventType": "teamRenamed", "team":
 {"id": "19:t@thread.tacv2", "name": "New"}, "tenant": {"id": "tenant-1"}}}
{"type": "conversationUpdate", "channelData": {"eventType": "teamDeleted", "team": {"id": "19:t"}}}
{"type": "conversationUpdate", "channelData": {"eventType": "teamHardDeleted", "team": {"id": "1"}}}
{"type": "conversationUpdate", "channelData": {"eventType": "teamArchived", "team": {"id": "19:t"}}}
{"type": "conversationUpdate", "channelData": {"eventType": "teamUnarchived", "team": {"id": "1"}}}
{"type": "conversationUpdate", "channelData": {"eventType": "teamRestored", "team": {"id": "19:t"}}}
{"type": "conversationUpdate", "topicName": "Invoices", "channelData": {}}
{"type": "conversationUpdate", "historyDisclosed": true, "channelData": {}}

{"type": "event", "name": "application/vnd.microsoft.meetingStart", "value": {"Id": "MCM=",
 "MeetingType": "Scheduled", "Title": "Stand-up", "StartTime": "2026-03-02T09:00:00Z"}}
{"type": "event", "name": "application/vnd.microsoft.meetingEnd", "value": {"Id": "MCM=",
 "MeetingType": "Scheduled", "Title": "Stand-up", "EndTime": "2026-03-02T09:15:00Z"}}
{"type": "event", "name": "application/vnd.microsoft.meetingParticipantJoin", "value":
 {"members": [{"user": {"id": "29:1ben"}, "meeting": {"inMeeting": true, "role": "Attendee"}}]}}
{"type": "event", "name": "application/vnd.microsoft.meetingParticipantLeave", "value":
 {"members": [{"user": {"id": "29:1ben"}, "meeting": {"inMeeting": false}}]}}
{"type": "event", "name": "application/vnd.microsoft.readReceipt",
 "value": {"lastReadMessageId": "1700000000001"}}
{"type": "event", "name": "agentLifecycle", "valueType": "AgenticUserEnabled",
 "value": {"eventType": "agenticUserEnabled", "tenantId": "tenant-1"}}
{"type": "event", "name": "tokens/response", "value": {"connectionName": "c", "token": "t"}}

{"type": "installationUpdate", "action": "add-upgrade"}
{"type": "installationUpdate", "action": "remove"}
{"type": "installationUpdate", "action": "remove-upgrade"}
{"type": "messageDelete", "channelData": {"eventType": "hardDeleteMessage"}}
{"type": "messageUpdate", "text": "hi"}
{"type": "messageUpdate", "text": "hi", "from": {"id": "28:bot"},
 "channelData": {"eventType": "editMessage"}}
{"type": "messageReaction", "from": {"id": "28:bot"}, "reactionsAdded": [{"type": "like"}]}

{"text": "hi", "from": {"id": "28:bot", "name": "Firstline"}}
{"text": "hi", "from": {"id": "28:other", "name": "Other"}}
{"text": "hi", "from": {"id": "29:1skill", "name": "Skill", "role": "bot"}}
{"text": null, "replyToId": "1699", "value": {"choice": "of a card that is not ours"}}
{"text": null, "replyToId": "1699", "value": {"verb": "future.press", "request": "r1"}}
"#;

/// Invokes that want "not implemented" for an answer. A card's `invoke` action has no name.
/// <https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/bot-invoke-activity>
pub(super) const UNKNOWN: &str = r#"
{"value": {"choice": "of a card"}}
{"name": "actionableMessage/executeAction", "value": {"actionId": "a", "body": "{}"}}
{"name": "adaptiveCard/action", "value": {"trigger": "automatic",
 "action": {"type": "Action.Execute", "verb": "refresh", "data": {"request": "r1"}}}}
{"name": "application/search", "value": {"kind": "search", "queryText": "vpn",
 "queryOptions": {"skip": 0, "top": 15}, "dataset": "articles"}}
{"name": "composeExtension/anonymousQueryLink", "value": {"url": "https://e.example/1"}}
{"name": "composeExtension/onCardButtonClicked", "value": {"choice": 1}}
{"name": "composeExtension/query", "value": {"commandId": "search", "parameters":
 [{"name": "query", "value": "vpn"}], "queryOptions": {"skip": 0, "count": 25}}}
{"name": "composeExtension/queryLink", "value": {"url": "https://e.example/1"}}
{"name": "composeExtension/querySettingUrl", "value": {"commandId": "search"}}
{"name": "composeExtension/selectItem", "value": {"id": "1"}}
{"name": "composeExtension/setting", "value": {"commandId": "search", "state": "x"}}
{"name": "config/fetch", "value": {"data": {}}}
{"name": "config/submit", "value": {"data": {"a": 1}}}
{"name": "fileConsent/invoke", "value": {"type": "fileUpload", "action": "accept",
 "context": {"file": "a.txt"}, "uploadInfo": {"uploadUrl": "https://x.sharepoint.com/u"}}}
{"name": "fileConsent/invoke", "value": {"type": "fileUpload", "action": "decline"}}
{"name": "handoff/action", "value": {"continuation": "abc"}}
{"name": "htmlwidget/calltool", "value": {"name": "tool", "arguments": {}}}
{"name": "message/fetchTask", "value": {"data": {"actionName": "feedback",
 "actionValue": {"reaction": "like"}}}}
{"name": "message/submitAction", "value": {"actionName": "other", "actionValue": {}}}
{"name": "search", "value": {"queryText": "vpn"}}
{"name": "signin/failure", "value": {"code": "resourcematchfailed", "message": "x"}}
{"name": "signin/tokenExchange", "value": {"id": "1", "connectionName": "c", "token": "t"}}
{"name": "signin/verifyState", "value": {"state": "123456"}}
{"name": "suggestedActions/submit", "value": {"choice": 1}}
{"name": "tab/fetch", "value": {"tabContext": {"tabEntityId": "home"}}}
{"name": "tab/submit", "value": {"tabContext": {"tabEntityId": "home"}, "data": {"a": 1}}}
{"name": "task/future", "value": {"data": {}}}
{"name": "adaptiveCard/action", "from": {"id": "28:other"}, "value": {"action":
 {"type": "Action.Execute", "verb": "firstline.solved", "data": {"request": "r1"}}}}
"#;
