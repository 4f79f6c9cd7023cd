// What commands show: a spinner that counts on a terminal, nothing until the end elsewhere; with `--json` one object, and nothing else.
using System.CommandLine;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace Purser.Api;

sealed class OperationScreen(IAnsiConsole console)
{
    static readonly JsonSerializerOptions readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A program reads what is said.</summary>
    public bool Json { get; private set; }

    /// <summary>What a command does, with `--json` for programs that want its result. What can be expected to go wrong becomes a line
    /// and an exit code, or an object with both.</summary>
    public void Runs(Command command, Func<ParseResult, CancellationToken, Task<int>> work)
    {
        var json = new Option<bool>("--json")
        {
            Description = "Print the result as one JSON object; what goes wrong as one with `error` and `exitCode`.",
        };
        command.Options.Add(json);
        command.SetAction((parsed, cancellation) =>
        {
            Json = parsed.GetValue(json);
            return RunAsync(() => work(parsed, cancellation));
        });
    }

    /// <summary>One line, however long: whoever reads it from a pipe wants it whole.</summary>
    public void Say(string text) => console.Profile.Out.Writer.WriteLine(text);

    /// <summary>A result for programs.</summary>
    public int Print(JsonNode result, int code = ExitCodes.Done)
    {
        Say(result.ToJsonString(readable));
        return code;
    }

    int Fail(string why, int code)
    {
        if (Json) return Print(new JsonObject { ["error"] = why, ["exitCode"] = code }, code);
        Say(why);
        return code;
    }

    /// <summary><paramref name="work"/> reports how far it is; <paramref name="what"/> says what it counts.</summary>
    public Task<T> FollowAsync<T>(string title, string what, Func<Action<long>, Task<T>> work)
    {
        if (Json || console.Profile.Capabilities is not { Interactive: true, Ansi: true }) return work(_ => { });
        return console.Status().StartAsync(Markup.Escape(title), async context =>
        {
            var shown = 0L;
            return await work(done =>
            {
                // A terminal is slower than a ledger.
                if (Environment.TickCount64 - shown < 100) return;
                shown = Environment.TickCount64;
                context.Status(Markup.Escape($"{title}: {Number(done)} {what}"));
            });
        });
    }

    public static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    async Task<int> RunAsync(Func<Task<int>> command)
    {
        try
        {
            return await command();
        }
        catch (NoLedgerException no)
        {
            return Fail(no.Message, no.ExitCode);
        }
        catch (Engine.LedgerUnavailableException away)
        {
            return Fail(away.Message, ExitCodes.NotReachable);
        }
        catch (Exception failed) when (
            failed is IOException or InvalidDataException or UnauthorizedAccessException or Engine.LedgerNotEmptyException
                or ArgumentException)
        {
            return Fail(failed.Message, ExitCodes.Failed);
        }
        catch (OperationCanceledException)
        {
            return Fail("interrupted", Replay.Interrupted);
        }
    }
}
