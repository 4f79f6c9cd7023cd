// The command line: no command starts the host, every other command is a client or a tool.
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
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
            (console ?? AnsiConsole.Console).Profile.Out.Writer.Write(await text.ReadToEndAsync());
            return ExitCodes.Done;
        }
        var parsed = Build(() => serve([]), console ?? AnsiConsole.Console).Parse(args);
        var code = await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = goodbye });
        return parsed.Errors.Count > 0 ? ExitCodes.WrongUsage : code;
    }

    static RootCommand Build(Func<Task<int>> serve, IAnsiConsole console)
    {
        var root = new RootCommand(
            "Purser, a budget authority for LLM agents. Without a command it starts the host; settings are PURSER_* variables, or "
                + "--PURSER_URLS=... here.");
        root.SetAction((_, _) => serve());
        root.Subcommands.Add(BackupCommand.Build(console));
        root.Subcommands.Add(RestoreCommand.Build(console));
        root.Subcommands.Add(VerifyCommand.Build(console));
        root.Subcommands.Add(RebuildCommand.Build(console));
        root.Subcommands.Add(ReplayCommand(console));
        root.Subcommands.Add(TokensCommand.Build(console));
        root.Subcommands.Add(DetectCommand.Build(console));
        root.Subcommands.Add(ProjectCommand.Build(console));
        root.Subcommands.Add(PricesCommand.Build(console));
        root.Subcommands.Add(KeysCommand.Build(console));
        root.Subcommands.Add(ClockCommand.Build(console));
        // Programs of their own, which the `run` script starts; here only so that `--help` names them.
        root.Subcommands.Add(SourceTreeCommand("cluster", "Start N silos and an api on this machine (`./run cluster N`)"));
        root.Subcommands.Add(SourceTreeCommand("bench", "Compare Purser with Redis and PostgreSQL in one run (`./run bench --help`)"));
        root.Subcommands.Add(SourceTreeCommand("simulate", "Play hostile schedules against several hosts (`./run simulate --help`)"));
        return root;
    }

    static Command ReplayCommand(IAnsiConsole console)
    {
        var file = new Argument<string?>("FILE")
        {
            Description = "A trace: Azure's .csv or Mooncake's .jsonl, also gzipped. Without one, made-up calls are played.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        NotAnOption(file);
        var url = new Option<Uri>("--url")
        {
            Description = "Where the host listens.",
            DefaultValueFactory = _ => new Uri("http://127.0.0.1:8080"),
            CustomParser = Read(WebAddress, "an http:// or https:// address"),
        };
        var speed = new Option<double?>("--speed")
        {
            Description = "1 keeps the trace's own pace, 10 is ten times faster; max is as fast as it goes (default).",
            HelpName = "N|max",
            CustomParser = ReadSpeed,
        };
        var accounts = new Option<int>("--accounts") { Description = "Spread the calls over this many accounts.", DefaultValueFactory = _ =>
            10 };
        var concurrency = new Option<int>("--concurrency") { Description = "Calls at the same time.", DefaultValueFactory = _ => 32 };
        var model = new Option<string>("--model") { Description = "The model that all calls name.", DefaultValueFactory = _ =>
            "gpt-4o-mini" };
        var ttl = new Option<long?>("--ttl") { Description = "Seconds after which a hold expires; the policy's own where it is not given.",
            HelpName = "SECONDS" };
        var limit = new Option<long?>(
            "--limit-tokens-per-hour") { Description = "Before the run, set the policy of every account to this one limit.",
                HelpName = "TOKENS" };
        var key = new Option<string?>("--key") { Description = "The key of the host; PURSER_ADMIN_KEY where it is not given." };
        var run = new Option<string?>("--run")
        {
            Description =
                "Part of every id: a run that is played again under its name counts nothing twice. Made from the time where it is not "
                    + "given.",
            HelpName = "ID",
        };
        var giveUp = new Option<double>("--give-up") { Description = "Stop when the host can not be reached for so long.",
            HelpName = "SECONDS", DefaultValueFactory = _ => 60 };
        var synthetic = new Option<int?>("--synthetic") { Description = "Play this many made-up calls (default 1000 without a FILE).",
            HelpName = "N" };
        var ledgerFile = new Option<string?>(
            "--ledger-file") { Description = "Append every acknowledged hold and settlement to this file as a JSON line.",
                HelpName = "PATH" };
        var verify = new Option<bool>(
            "--verify") { Description = "Afterwards, compare the report of every account with what was settled." };

        var command = new Command("replay", "Play a trace of LLM calls against a running host: check, reserve and settle each call.")
        {
            file, url, speed, accounts, concurrency, model, ttl, limit, key, run, giveUp, synthetic, ledgerFile, verify,
        };
        Require(accounts, value => value is >= 1 and <= 1_000_000, "must be 1 to 1000000");
        Require(concurrency, value => value is >= 1 and <= 10_000, "must be 1 to 10000");
        Require(ttl, value => value is null or (>= 1 and <= 24 * 3600), "must be 1 to 86400 seconds");
        Require(limit, value => value is null or >= 0, "must not be negative");
        Require(run, value => value is null || ReplayOptions.IsRun(value), "must be 1 to 64 letters, digits, '.', '_' and '-'");
        Require(giveUp, value => value is >= 0 and <= 86400, "must be 0 to 86400 seconds");
        Require(synthetic, value => value is null or >= 1, "must be at least 1");
        command.Validators.Add(result =>
        {
            if (result.GetResult(file) is { Tokens.Count: > 0 } && result.GetResult(synthetic) is { Implicit: false })
                result.AddError("Give a FILE or --synthetic, not both.");
        });

        command.SetAction((parsed, cancellation) => Replay.RunAsync(
            new()
            {
                File = parsed.GetValue(file),
                Url = parsed.GetValue(url)!,
                Speed = parsed.GetValue(speed),
                Accounts = parsed.GetValue(accounts),
                Concurrency = parsed.GetValue(concurrency),
                Model = parsed.GetValue(model)!,
                TtlSeconds = parsed.GetValue(ttl),
                LimitTokensPerHour = parsed.GetValue(limit),
                Key = parsed.GetValue(key) ?? Environment.GetEnvironmentVariable("PURSER_ADMIN_KEY"),
                Run = parsed.GetValue(run) ?? TimeProvider.System.GetUtcNow()
                    .ToString("yyyyMMdd'T'HHmmss.fff", CultureInfo.InvariantCulture),
                GiveUp = TimeSpan.FromSeconds(parsed.GetValue(giveUp)),
                Synthetic = parsed.GetValue(synthetic) ?? 1000,
                LedgerFile = parsed.GetValue(ledgerFile),
                Verify = parsed.GetValue(verify),
            },
            console, cancellation));
        return command;
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

    static double? ReadSpeed(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (text == "max") return null;
        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var speed) && speed > 0
            && double.IsFinite(speed)) return speed;
        result.AddError($"--speed '{text}' must be a number above 0, or max");
        return null;
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
