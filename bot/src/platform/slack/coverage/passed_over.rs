//! Events that are nothing to the bot. Those without a type are messages; what their line does
//! not say is as in any message.

/// In the order of Slack's list; then messages that nobody says to the bot, by subtype: those of
/// <https://docs.slack.dev/reference/events/message> first, then some that Slack sends without
/// documenting them; at last what is marked in some other way.
pub(super) const PASSED_OVER: &str = r#"
{"type": "agent_session_stopped", "channel": "D1", "user": "U1", "thread_ts": "1.1",
 "streaming_message_ts": ["1.2"]}
{"type": "agent_session_title_changed", "channel": "D1", "user": "U1", "team_id": "T1",
 "thread_ts": "1.1", "title": "b", "previous_title": "a"}
{"type": "app_context_changed", "channel": "D1", "user": "U1",
 "context": {"entities": [{"type": "slack#/types/channel_id", "value": "C1", "team_id": "T1"}]}}
{"type": "app_deleted", "app_id": "A2", "app_name": "a", "app_owner_id": "U1", "team_id": "T1"}
{"type": "app_home_opened", "user": "U1", "channel": "D1", "tab": "messages"}
{"type": "app_installed", "app_id": "A2", "app_name": "a", "user_id": "U1", "team_id": "T1"}
{"type": "app_requested", "app_request": {"id": "Ar1", "app": {"id": "A2", "name": "a"},
 "user": {"id": "U1", "email": "u1@example.com"}, "team": {"id": "T1"}, "message": "please"}}
{"type": "app_uninstalled"}
{"type": "app_uninstalled_team", "app_id": "A2", "user_id": "U1", "team_id": "T1"}
{"type": "assistant_thread_context_changed", "assistant_thread": {"user_id": "U1",
 "context": {"channel_id": "C1", "team_id": "T1"}, "channel_id": "D1", "thread_ts": "1.1"}}
{"type": "call_rejected", "call_id": "R1", "user_id": "U1", "channel_id": "D1",
 "external_unique_id": "x"}
{"type": "channel_archive", "channel": "C1", "user": "U1"}
{"type": "channel_created", "channel": {"id": "C1", "name": "help", "creator": "U1"}}
{"type": "channel_deleted", "channel": "C1"}
{"type": "channel_history_changed", "channel": "C1", "latest": "1.1", "ts": "1.2"}
{"type": "channel_id_changed", "old_channel_id": "G1", "new_channel_id": "C1"}
{"type": "channel_left", "channel": "C1", "actor_id": "U1"}
{"type": "channel_rename", "channel": {"id": "C1", "name": "help", "created": 1}}
{"type": "channel_shared", "connected_team_id": "T2", "channel": "C1"}
{"type": "channel_unarchive", "channel": "C1", "user": "U1"}
{"type": "channel_unshared", "previously_connected_team_id": "T2", "channel": "C1"}
{"type": "dnd_updated", "user": "U1", "dnd_status": {"dnd_enabled": true, "snooze_enabled": false}}
{"type": "dnd_updated_user", "user": "U1", "dnd_status": {"dnd_enabled": true}}
{"type": "email_domain_changed", "email_domain": "example.com"}
{"type": "emoji_changed", "subtype": "add", "name": "ticket", "value": "https://e.example/t"}
{"type": "entity_details_requested", "user": "U1", "trigger_id": "1.2.3", "channel": "C1",
 "link": {"url": "https://e.example/1", "domain": "e.example"}, "message_ts": "1.1"}
{"type": "file_change", "file_id": "F1", "file": {"id": "F1"}}
{"type": "file_comment_deleted", "comment": "Fc1", "file_id": "F1", "file": {"id": "F1"}}
{"type": "file_created", "file_id": "F1", "user_id": "U1", "file": {"id": "F1"}}
{"type": "file_deleted", "file_id": "F1", "channel_ids": ["C1"]}
{"type": "file_public", "file_id": "F1", "user_id": "U1", "file": {"id": "F1"}}
{"type": "file_shared", "channel_id": "C1", "file_id": "F1", "user_id": "U1", "file": {"id": "F1"}}
{"type": "file_unshared", "channel_id": "C1", "file_id": "F1", "user_id": "U1"}
{"type": "function_executed", "function": {"id": "Fn1", "callback_id": "f", "type": "app"},
 "inputs": {"user": "U1", "text": "hi"}, "function_execution_id": "Fx1", "bot_access_token": "x"}
{"type": "grid_migration_finished", "enterprise_id": "E1"}
{"type": "grid_migration_started", "enterprise_id": "E1"}
{"type": "group_archive", "channel": "G1", "user": "U1"}
{"type": "group_close", "user": "U1", "channel": "G1"}
{"type": "group_deleted", "channel": "G1", "actor_id": "U1"}
{"type": "group_history_changed", "channel": "G1", "latest": "1.1", "ts": "1.2"}
{"type": "group_left", "channel": "G1", "actor_id": "U1"}
{"type": "group_open", "user": "U1", "channel": "G1"}
{"type": "group_rename", "channel": {"id": "G1", "name": "help", "created": 1}}
{"type": "group_unarchive", "channel": "G1", "user": "U1"}
{"type": "im_close", "user": "U1", "channel": "D1"}
{"type": "im_created", "user": "U1", "channel": {"id": "D1", "is_im": true, "user": "U1"}}
{"type": "im_history_changed", "channel": "D1", "latest": "1.1", "ts": "1.2"}
{"type": "im_open", "user": "U1", "channel": "D1"}
{"type": "invite_requested", "invite_request": {"id": "I1", "email": "x@example.com",
 "requester_ids": ["U1"], "channel_ids": ["C1"], "invite_type": "full_member"}}
{"type": "link_shared", "channel": "C1", "user": "U1", "message_ts": "1.1", "is_bot_user_member":
 true, "links": [{"domain": "e.example", "url": "https://e.example/1"}], "source": "composer"}
{"type": "member_joined_channel", "user": "U1", "channel": "C1", "channel_type": "C",
 "team": "T1", "inviter": "U2"}
{"type": "member_left_channel", "user": "U1", "channel": "C1", "channel_type": "C", "team": "T1"}
{"type": "message_metadata_deleted", "channel_id": "C1", "app_id": "A2", "user_id": "U1",
 "previous_metadata": {"event_type": "t", "event_payload": {}}, "message_ts": "1.1",
 "deleted_ts": "1.2"}
{"type": "message_metadata_posted", "channel_id": "C1", "app_id": "A2", "user_id": "U1",
 "metadata": {"event_type": "t", "event_payload": {}}, "message_ts": "1.1"}
{"type": "message_metadata_updated", "channel_id": "C1", "app_id": "A2", "user_id": "U1",
 "metadata": {"event_type": "t", "event_payload": {}}, "message_ts": "1.1"}
{"type": "pin_added", "user": "U1", "channel_id": "C1", "item": {"type": "message",
 "channel": "C1", "message": {"type": "message", "user": "U1", "text": "hi", "ts": "1.1"}}}
{"type": "pin_removed", "user": "U1", "channel_id": "C1", "item": {"type": "message",
 "channel": "C1", "message": {"type": "message", "user": "U1", "text": "hi", "ts": "1.1"}}}
{"type": "reaction_added", "user": "U1", "reaction": "ticket", "item_user": "U2",
 "item": {"type": "file", "file": "F1"}}
{"type": "reaction_removed", "user": "U1", "reaction": "ticket", "item_user": "U2",
 "item": {"type": "message", "channel": "C1", "ts": "1.1"}}
{"type": "resources_added", "resources": [{"resource": {"type": "im", "grant": {"type":
 "specific", "resource_id": "D1"}}, "scopes": ["chat:write:user"]}]}
{"type": "resources_removed", "resources": [{"resource": {"type": "im"}, "scopes": ["x"]}]}
{"type": "scope_denied", "scopes": ["files:read"], "trigger_id": "1.2.3"}
{"type": "scope_granted", "scopes": ["files:read"], "trigger_id": "1.2.3"}
{"type": "shared_channel_invite_accepted", "approval_required": false, "invite": {"id": "I1",
 "inviting_user": {"id": "U1"}}, "channel": {"id": "C1"}, "accepting_user": {"id": "U2"}}
{"type": "shared_channel_invite_approved", "invite": {"id": "I1"}, "channel": {"id": "C1"},
 "approving_team_id": "T2", "approving_user": {"id": "U2"}}
{"type": "shared_channel_invite_declined", "invite": {"id": "I1"}, "channel": {"id": "C1"},
 "declining_team_id": "T2", "declining_user": {"id": "U2"}}
{"type": "shared_channel_invite_received", "invite": {"id": "I1", "inviting_user": {"id": "U2"},
 "recipient_user_id": "U1"}, "channel": {"id": "C1", "is_im": false}}
{"type": "shared_channel_invite_requested", "event_type":
 "slack#/events/shared_channel_invite_requested", "actor": {"id": "U1", "is_bot": false},
 "channel_id": "C1", "channel_type": "public", "target_users": [{"invite_id": "I1"}]}
{"type": "star_added", "user": "U1", "item": {"type": "message", "channel": "C1",
 "message": {"ts": "1.1"}}}
{"type": "star_removed", "user": "U1", "item": {"type": "channel", "channel": "C1"}}
{"type": "subteam_created", "subteam": {"id": "S1", "handle": "desk", "users": ["U1"]}}
{"type": "subteam_members_changed", "subteam_id": "S1", "team_id": "T1", "added_users": ["U1"]}
{"type": "subteam_self_added", "subteam_id": "S1"}
{"type": "subteam_self_removed", "subteam_id": "S1"}
{"type": "subteam_updated", "subteam": {"id": "S1", "handle": "desk", "users": ["U1"]}}
{"type": "team_access_granted", "team_ids": ["T2"]}
{"type": "team_access_revoked", "team_ids": ["T2"]}
{"type": "team_domain_change", "url": "https://new.slack.com", "domain": "new"}
{"type": "team_join", "user": {"id": "U1", "team_id": "T1", "name": "ana", "is_bot": false}}
{"type": "team_rename", "name": "New"}
{"type": "tokens_revoked", "tokens": {"oauth": ["U1"], "bot": ["UBOT"]}}
{"type": "user_change", "user": {"id": "U1", "team_id": "T1", "profile": {"email": "a@b.c"}}}
{"type": "user_connection", "trigger": "1.2.3", "user": {"id": "U1", "status": "connected"}}
{"type": "user_huddle_changed", "user": {"id": "U1", "profile": {"huddle_state": "in_a_huddle"}}}
{"type": "user_profile_changed", "user": {"id": "U1", "profile": {"real_name": "Ana"}}}
{"type": "user_status_changed", "user": {"id": "U1", "profile": {"status_text": "away"}}}
{"type": "workflow_deleted", "workflow_id": "W1", "workflow_draft_configuration": {"app_steps": []}}
{"type": "workflow_published", "workflow_id": "W1", "workflow_published_configuration":
 {"version_id": "1", "app_steps": [{"app_id": "A1", "callback_id": "c"}]}}
{"type": "workflow_step_deleted", "workflow_id": "W1", "workflow_draft_configuration": {}}
{"type": "workflow_step_execute", "callback_id": "c", "workflow_step": {"workflow_id": "W1",
 "step_id": "1", "inputs": {"text": {"value": "hi"}}, "outputs": []}}
{"type": "workflow_unpublished", "workflow_id": "W1", "workflow_draft_configuration": {}}

{"subtype": "assistant_app_thread", "assistant_app_thread": {"title": "New chat"}}
{"subtype": "bot_message", "bot_id": "B2", "user": null, "username": "gitbot", "icons": {}}
{"subtype": "channel_archive"}
{"subtype": "channel_join", "inviter": "U2"}
{"subtype": "channel_leave"}
{"subtype": "channel_name", "old_name": "a", "name": "b"}
{"subtype": "channel_posting_permissions"}
{"subtype": "channel_purpose", "purpose": "help"}
{"subtype": "channel_topic", "topic": "help"}
{"subtype": "channel_unarchive"}
{"subtype": "document_mention"}
{"subtype": "ekm_access_denied", "user": "UREVOKEDU"}
{"subtype": "file_comment", "user": null, "file": {"id": "F1"}, "comment": {"user": "U1"}}
{"subtype": "file_mention", "file": {"id": "F1", "url_private": "https://files.slack.com/F1"}}
{"subtype": "group_archive", "members": ["U1"]}
{"subtype": "group_join"}
{"subtype": "group_leave"}
{"subtype": "group_name", "old_name": "a", "name": "b"}
{"subtype": "group_purpose", "purpose": "help"}
{"subtype": "group_topic", "topic": "help"}
{"subtype": "group_unarchive"}
{"subtype": "huddle_thread", "user": "USLACKBOT", "room": {"id": "R1", "created_by": "U1"}}
{"subtype": "message_replied", "hidden": true, "user": null, "message": {"type": "message",
 "user": "U1", "text": "hi", "ts": "1.1", "thread_ts": "1.1", "reply_count": 1}}
{"subtype": "pinned_item", "item_type": "C", "item": {}}
{"subtype": "reminder_add"}
{"subtype": "reply_broadcast", "user": null, "attachments": [{"from_url": "https://x.example"}]}
{"subtype": "unpinned_item", "item_type": "C", "item": {}}

{"subtype": "app_conversation_leave"}
{"subtype": "bot_add", "bot_id": "B2", "bot_link": "<https://x.example|a>"}
{"subtype": "bot_remove", "bot_id": "B2"}
{"subtype": "channel_canvas_updated", "canvas_id": "F1"}
{"subtype": "channel_convert_to_private"}
{"subtype": "joiner_notification"}
{"subtype": "sh_room_created", "room": {"id": "R1"}}
{"subtype": "slackbot_response", "user": "USLACKBOT"}
{"subtype": "tabbed_canvas_updated"}
{"subtype": "tombstone", "user": "USLACKBOT", "hidden": true}

{"bot_id": "B1", "user": "UBOT", "app_id": "A1", "bot_profile": {"id": "B1", "app_id": "A1"}}
{"bot_id": "B2", "app_id": "A2", "bot_profile": {"id": "B2", "name": "posts as Ana"}}
{"bot_id": "B2"}
{"user": "UBOT"}
{"type": "app_mention", "bot_id": "B2", "text": "<@UBOT> hi"}
{"subtype": "message_changed", "user": null, "text": null,
 "message": {"user": "U1", "text": "see https://x.example", "ts": "1.1", "attachments": [{}]},
 "previous_message": {"user": "U1", "text": "see https://x.example", "ts": "1.1"}}
{"subtype": "message_changed", "user": null, "text": null,
 "message": {"bot_id": "B1", "user": "UBOT", "text": "new", "ts": "1.1"},
 "previous_message": {"bot_id": "B1", "user": "UBOT", "text": "old", "ts": "1.1"}}
"#;
