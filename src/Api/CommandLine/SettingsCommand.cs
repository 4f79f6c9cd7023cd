// `settings`: what is in force and where it comes from, with secrets masked; and what is wrong with it, without starting anything.
using System.CommandLine;
using Spectre.Console;

namespace Purser.Api;

static class SettingsCommand
{
    public static Command Build(IAnsiConsole console)
    {
        var command = new Command("settings", "Show the settings that a host started here would have, and where each comes from. Secrets "
            + "are masked. Exit code 0: a host would take them; 2: something is wrong with them.") { TreatUnmatchedTokensAsErrors = false };
        var screen = new OperationScreen(console);
        screen.Runs(command, (parsed, _) =>
        {
            // Settings given here as to a host: `settings --PURSER_LOG=debug`.
            string[] given = [.. parsed.UnmatchedTokens];
            var configuration = WebApplication.CreateSlimBuilder(given).Configuration;
            return Task.FromResult(EffectiveSettings.Tell(EffectiveSettings.Of(configuration, ServerOptions.Names),
                Server.ProblemsOf(given, configuration), screen.Json, screen.Say));
        });
        return command;
    }
}
