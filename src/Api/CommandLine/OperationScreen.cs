// What backup, restore and verify show: a spinner that counts on a terminal, nothing until the end elsewhere.
using System.Globalization;
using Spectre.Console;

namespace Purser.Api;

sealed class OperationScreen(IAnsiConsole console)
{
    /// <summary>One line, however long: whoever reads it from a pipe wants it whole.</summary>
    public void Say(string text) => console.Profile.Out.Writer.WriteLine(text);

    /// <summary><paramref name="work"/> reports how far it is; <paramref name="what"/> says what it counts.</summary>
    public Task<T> FollowAsync<T>(string title, string what, Func<Action<long>, Task<T>> work)
    {
        if (console.Profile.Capabilities is not { Interactive: true, Ansi: true }) return work(_ => { });
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

    /// <summary>Runs a command, and turns what can be expected to go wrong into a line and an exit code.</summary>
    public async Task<int> RunAsync(Func<Task<int>> command)
    {
        try
        {
            return await command();
        }
        catch (NoLedgerException no)
        {
            Say(no.Message);
            return no.ExitCode;
        }
        catch (Engine.LedgerUnavailableException away)
        {
            Say(away.Message);
            return ExitCodes.NotReachable;
        }
        catch (Exception failed) when (
            failed is IOException or InvalidDataException or UnauthorizedAccessException or Engine.LedgerNotEmptyException
                or ArgumentException)
        {
            Say(failed.Message);
            return ExitCodes.Failed;
        }
        catch (OperationCanceledException)
        {
            Say("interrupted");
            return Replay.Interrupted;
        }
    }
}
