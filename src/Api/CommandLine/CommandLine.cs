// The command line: no command starts the host, every other command is a client or a tool.
using System.CommandLine;
using System.CommandLine.Parsing;
using Spectre.Console;

namespace Purser.Api;

public static class CommandLine
{
    static readonly string[] aboutItself = ["-h", "--help", "-?", "--version"];

    // Time for a command that was interrupted to say where it stopped.
    static readonly TimeSpan goodbye = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Runs one command. Without one, <paramref name="serve"/> gets all arguments: they are settings (`--PURSER_URLS=...`), which the host
    /// reads by itself.
    /// </summary>
    public static async Task<int> RunAsync(string[] args, Func<string[], Task<int>> serve, IAnsiConsole? console = null)
    {
        if (args.Length == 0 || (args[0].StartsWith('-') && !aboutItself.Contains(args[0]))) return await serve(args);
        if (args is ["-h" or "--help" or "-?" or "help"])
        {
            await using var help = typeof(CommandLine).Assembly.GetManifestResourceStream("help.txt")!;
            using var text = new StreamReader(help);
            (console ?? AnsiConsole.Console).Profile.Out.Writer.Write(Named(await text.ReadToEndAsync(), AppContext.BaseDirectory));
            return ExitCodes.Done;
        }
        var parsed = Build(() => serve([]), console ?? AnsiConsole.Console).Parse(args);
        var code = await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = goodbye });
        return parsed.Errors.Count > 0 ? ExitCodes.WrongUsage : code;
    }

    /// <summary>The help calls the program by the name that it was started by: a tool of .NET lies in a folder of its package.</summary>
    internal static string Named(string help, string folder) =>
        folder.TrimEnd(Path.DirectorySeparatorChar).EndsWith(Path.Combine("tools", "net10.0", "any"), StringComparison.Ordinal)
            ? help.Replace("./run", "purser", StringComparison.Ordinal) : help;

    static RootCommand Build(Func<Task<int>> serve, IAnsiConsole console)
    {
        var root = new RootCommand(
            "Purser, a budget authority for LLM agents. Without a command it starts the host; settings are PURSER_* variables, or "
                + "--PURSER_URLS=... here.");
        root.SetAction((_, _) => serve());
        root.Subcommands.Add(GateCommand.Build(console));
        root.Subcommands.Add(McpCommand.Build());
        root.Subcommands.Add(BackupCommand.Build(console));
        root.Subcommands.Add(RestoreCommand.Build(console));
        root.Subcommands.Add(VerifyCommand.Build(console));
        root.Subcommands.Add(SealCommand.Build(console));
        root.Subcommands.Add(RebuildCommand.Build(console));
        root.Subcommands.Add(ReplayCommand.Build(console));
        root.Subcommands.Add(TokensCommand.Build(console));
        root.Subcommands.Add(DetectCommand.Build(console));
        root.Subcommands.Add(ProjectCommand.Build(console));
        root.Subcommands.Add(PricesCommand.Build(console));
        root.Subcommands.Add(KeysCommand.Build(console));
        root.Subcommands.Add(SettingsCommand.Build(console));
        root.Subcommands.Add(ClockCommand.Build(console));
        root.Subcommands.Add(DownCommand.Build(console));
        // Programs of their own, which the `run` script starts; here only so that `--help` names them.
        root.Subcommands.Add(SourceTreeCommand("cluster", "Start N silos and an api on this machine (`./run cluster N`)"));
        root.Subcommands.Add(SourceTreeCommand("bench", "Compare Purser with Redis and PostgreSQL in one run (`./run bench --help`)"));
        root.Subcommands.Add(SourceTreeCommand("simulate", "Play hostile schedules against several hosts (`./run simulate --help`)"));
        return root;
    }

    /// <summary>Listed here, done by `./run`: the simulation belongs to the tests, and is not in this program.</summary>
    static Command SourceTreeCommand(string name, string what)
    {
        var command = new Command(name, what + "; in the source tree only.") { TreatUnmatchedTokensAsErrors = false };
        command.SetAction(_ =>
        {
            Console.Error.WriteLine($"purser: {name} is started by ./run {name} in the source tree");
            return ExitCodes.WrongUsage;
        });
        return command;
    }

    internal static Uri WebAddress(string text) => Uri.TryCreate(text, UriKind.Absolute, out var value) && value.Scheme is "http" or "https"
        ? value : null!;

    internal static Func<ArgumentResult, T> Read<T>(Func<string, T> parse, string what) where T : class => result =>
    {
        var text = result.Tokens[0].Value;
        if (parse(text) is { } value) return value;
        result.AddError($"'{text}' must be {what}");
        return null!;
    };

    /// <summary>A slip in the name of an option must not become a file of that name.</summary>
    internal static void NotAnOption(Argument file) => file.Validators.Add(result =>
    {
        if (result.Tokens is [{ Value: ['-', ..] and var text }, ..]) result.AddError($"'{text}' is not an option of this command");
    });

    internal static void Require<T>(Option<T> option, Func<T?, bool> holds, string rule) => option.Validators.Add(result =>
    {
        if (result.Tokens.Count > 0 && !result.Errors.Any() && !holds(result.GetValueOrDefault<T>()))
            result.AddError($"{option.Name} {rule}");
    });
}
