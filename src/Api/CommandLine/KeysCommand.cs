// `keys list | create | rotate | revoke`: the API keys of a running host.
using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Purser.Api.Access;
using Spectre.Console;

namespace Purser.Api;

static class KeysCommand
{
    public static Command Build(IAnsiConsole console)
    {
        var screen = new OperationScreen(console);
        var command = new Command("keys", "List, make, rotate and revoke the API keys of a running host.");
        command.Subcommands.Add(List(screen));
        command.Subcommands.Add(Create(screen));
        command.Subcommands.Add(Rotate(screen));
        command.Subcommands.Add(Revoke(screen));
        return command;
    }

    static Command List(OperationScreen screen)
    {
        var command = new Command("list", "List keys: what they are for, when they end, when they were last used.");
        return Through(command, screen, async (_, host, json, cancellation) =>
        {
            var keys = await host.AskAsync(HttpMethod.Get, "v1/keys", null, cancellation);
            if (json) return Print(screen, keys);
            string[] header = ["id", "name", "state", "rights", "accounts", "expires", "last used"];
            var lines = keys.GetProperty("items").EnumerateArray().Select(key => (string[])[
                Text(key, "id"), Text(key, "name"), Text(key, "state"), Joined(key, "rights"), Joined(key, "accounts"),
                Text(key, "expiresAt"), Text(key, "lastUsedAt")]).Prepend(header).ToList();
            if (lines.Count == 1) screen.Say("No keys yet. Make one: ./run keys create NAME --rights hold,read --accounts 'team-*'");
            else
            {
                var widths = Enumerable.Range(0, header.Length).Select(column => lines.Max(line => line[column].Length)).ToArray();
                foreach (var line in lines)
                    screen.Say(string.Join("  ", line.Select((cell, i) => cell.PadRight(widths[i]))).TrimEnd());
            }
            return ExitCodes.Done;
        });
    }

    static Command Create(OperationScreen screen)
    {
        var name = new Argument<string>("NAME") { Description = "What people call it; the audit trail names it." };
        var rights = new Option<string>("--rights")
        {
            Description = $"What it may do, with commas between: {string.Join(", ", Rights.Words)}.", Required = true, HelpName = "RIGHTS",
        };
        var accounts = new Option<string?>("--accounts")
        {
            Description = "Ids of accounts and globs, with commas between: 'team-a:*'; '*' is every account. Needed without --tenant.",
            HelpName = "ACCOUNTS",
        };
        var tenant = new Option<string?>("--tenant")
        {
            Description = "The tenant that it is of; without --accounts it is for all of the tenant's.", HelpName = "TENANT",
        };
        var days = new Option<int?>("--days") { Description = "It ends after so many days; never where it is not said.", HelpName = "N" };
        CommandLine.Require(days, value => value is null or (>= 1 and <= 3650), "must be 1 to 3650 days");
        var rate = new Option<string?>("--rate") { Description = "How often it may ask, as requests/seconds: 600/60.", HelpName = "RATE" };
        CommandLine.Require(rate, value => value is null || RateQuota.Of(value) is not null, "must be requests/seconds, such as 600/60");
        var command = new Command("create", "Make a key. Its text is shown once, and kept nowhere.") { name, rights, accounts, tenant, days,
            rate };
        return Through(command, screen, async (parsed, host, json, cancellation) =>
        {
            var body = new JsonObject
            {
                ["name"] = parsed.GetValue(name), ["rights"] = Split(parsed.GetValue(rights)!),
            };
            if (parsed.GetValue(accounts) is { } named) body["accounts"] = Split(named);
            if (parsed.GetValue(tenant) is { } whose) body["tenant"] = whose;
            if (parsed.GetValue(days) is { } lasts)
                body["expiresAt"] = TimeProvider.System.GetUtcNow().AddDays(lasts)
                    .ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
            if (RateQuota.Of(parsed.GetValue(rate)) is { } quota)
                body["rateLimit"] = new JsonObject { ["requests"] = quota.Requests, ["seconds"] = quota.Seconds };
            return Show(screen, await host.AskAsync(HttpMethod.Post, "v1/keys", body, cancellation), json);
        });
    }

    static Command Rotate(OperationScreen screen)
    {
        var id = new Argument<string>("ID") { Description = "The id of the key (`keys list`)." };
        var overlap = new Option<long?>("--overlap")
        {
            Description = "For how many seconds the old text is still taken; a day where it is not said.", HelpName = "SECONDS",
        };
        var command = new Command("rotate", "Give a key a new text, which is shown once.") { id, overlap };
        return Through(command, screen, async (parsed, host, json, cancellation) =>
        {
            var body = parsed.GetValue(overlap) is { } seconds ? new JsonObject { ["overlapSeconds"] = seconds } : [];
            var path = $"v1/keys/{Uri.EscapeDataString(parsed.GetValue(id)!)}/rotate";
            return Show(screen, await host.AskAsync(HttpMethod.Post, path, body, cancellation), json);
        });
    }

    static Command Revoke(OperationScreen screen)
    {
        var id = new Argument<string>("ID") { Description = "The id of the key (`keys list`)." };
        var command = new Command("revoke", "End a key at once, on every host.") { id };
        return Through(command, screen, async (parsed, host, json, cancellation) =>
        {
            var path = $"v1/keys/{Uri.EscapeDataString(parsed.GetValue(id)!)}";
            return Show(screen, await host.AskAsync(HttpMethod.Delete, path, null, cancellation), json);
        });
    }

    static Command Through(
        Command command, OperationScreen screen, Func<ParseResult, HostClient, bool, CancellationToken, Task<int>> run)
    {
        var access = new LedgerAccess();
        access.AddTo(command, throughHost: true);
        screen.Runs(command, async (parsed, cancellation) =>
        {
            using var host = access.HostOf(parsed, access.SettingsOf(parsed)) ?? throw new NoLedgerException(
                "keys are changed through a running host: start it with ./run, or name it with --url", ExitCodes.NotReachable);
            return await run(parsed, host, screen.Json, cancellation);
        });
        return command;
    }

    static int Show(OperationScreen screen, JsonElement key, bool json)
    {
        if (json) return Print(screen, key);
        screen.Say($"{Text(key, "id")}  {Text(key, "name")}  {Text(key, "state")}");
        screen.Say($"may {Joined(key, "rights")} on {Joined(key, "accounts")}{(Text(key, "expiresAt") is { Length: > 0 } end
            ? $", until {end}" : "")}");
        if (Text(key, "key") is not { Length: > 0 } text) return ExitCodes.Done;
        screen.Say("");
        screen.Say(text);
        screen.Say("");
        screen.Say("This is shown once. Send it as `Authorization: Bearer KEY`.");
        if (Text(key, "previousUntil") is { Length: > 0 } until) screen.Say($"The old text is taken until {until}.");
        return ExitCodes.Done;
    }

    static int Print(OperationScreen screen, JsonElement answer)
    {
        screen.Say(answer.GetRawText());
        return ExitCodes.Done;
    }

    static JsonArray Split(string list) =>
        [.. list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(word => (JsonNode)word)];

    static string Text(JsonElement of, string member) =>
        of.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    static string Joined(JsonElement of, string member) =>
        string.Join(", ", of.GetProperty(member).EnumerateArray().Select(word => word.GetString()));
}
