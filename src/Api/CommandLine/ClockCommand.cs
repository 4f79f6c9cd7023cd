// `clock`: what time a running host decides in and what it holds back; with --accept its clock is taken as it is.
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace Purser.Api;

static class ClockCommand
{
    public static Command Build(IAnsiConsole console)
    {
        var access = new LedgerAccess();
        var accept = new Option<bool>(
            "--accept") { Description = "The clock that jumped is right: go on from it, where it is later; where it "
            + "is earlier, go on from the newest entry, and come closer by a second in a thousand." };
        var reason = new Option<string?>("--reason") { Description = "Kept with it.", HelpName = "TEXT" };
        var command = new Command("clock", "Show the clock of a running host, and a jump that it holds back. Exit code 0: the clock is "
            + "right; 1: it is not; 3: no host.") { accept, reason };
        access.AddTo(command, throughHost: true);
        var screen = new OperationScreen(console);
        screen.Runs(command, async (parsed, cancellation) =>
        {
            using var host = access.HostOf(parsed, access.SettingsOf(parsed)) ?? throw new NoLedgerException(
                "the clock is that of a running host: start it with ./run, or name it with --url", ExitCodes.NotReachable);
            var body = parsed.GetValue(reason) is { } why ? new JsonObject { ["reason"] = why } : [];
            var clock = parsed.GetValue(accept) ? await host.AskAsync(HttpMethod.Post, "v1/clock/accept", body, cancellation)
                : await host.AskAsync(HttpMethod.Get, "v1/clock", null, cancellation);
            if (screen.Json) screen.Say(clock.GetRawText());
            else Show(screen, clock, parsed.GetValue(accept));
            return parsed.GetValue(accept) || clock.GetProperty("trouble").ValueKind == JsonValueKind.Null
                ? ExitCodes.Done : ExitCodes.Failed;
        });
        return command;
    }

    static void Show(OperationScreen screen, JsonElement clock, bool accepted)
    {
        screen.Say($"time of decisions      {clock.GetProperty("now").GetString()}");
        screen.Say($"clock of the machine   {clock.GetProperty("machine").GetString()}");
        screen.Say($"held back              {Seconds(clock, "heldSeconds")}");
        screen.Say($"ahead of the clock     {Seconds(clock, "leadSeconds")}");
        foreach (var note in clock.GetProperty("accepted").EnumerateArray())
            screen.Say($"accepted {note.GetProperty("at").GetString()} by {note.GetProperty("by").GetString()}: a jump of "
                + $"{Seconds(note, "jumpSeconds")}{(note.GetProperty("reason").GetString() is { } reason ? $" ({reason})" : "")}");
        if (accepted) screen.Say("The clock is accepted as it is; every host on this ledger follows within five seconds.");
        else screen.Say(clock.GetProperty("trouble").GetString() ?? "The clock is right.");
    }

    static string Seconds(JsonElement of, string member) =>
        string.Create(CultureInfo.InvariantCulture, $"{of.GetProperty(member).GetDecimal():0.###} s");
}
