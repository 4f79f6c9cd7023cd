// `replay [FILE]`: plays a trace of LLM calls, or made-up ones, against the host of the data folder, one that is named, or one of its own.
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Spectre.Console;

namespace Purser.Api;

sealed class ReplayCommand
{
    readonly Argument<string?> file = new("FILE")
    {
        Description = "A trace: Azure's .csv or Mooncake's .jsonl, also gzipped. Without one, made-up calls are played.",
        Arity = ArgumentArity.ZeroOrOne,
    };
    readonly LedgerAccess access = new();
    readonly Option<bool> scratch = new("--scratch")
    {
        Description = "Play against a host of its own, whose ledger is removed at the end: nothing of the run stays.",
    };
    readonly Option<bool> remove = new("--remove")
    {
        Description = "Play nothing: erase what replays booked on the host, in the accounts replay-0001 and so on.",
    };
    readonly Option<double?> speed = new("--speed")
    {
        Description = "1 keeps the trace's own pace, 10 is ten times faster; max is as fast as it goes (default).",
        HelpName = "N|max",
        CustomParser = ReadSpeed,
    };
    readonly Option<int> accounts = new("--accounts")
    {
        Description = "Spread the calls over this many accounts.", DefaultValueFactory = _ => 10,
    };
    readonly Option<int> concurrency = new("--concurrency") { Description = "Calls at the same time.", DefaultValueFactory = _ => 32 };
    readonly Option<string> model = new("--model")
    {
        Description = "The model that all calls name.", DefaultValueFactory = _ => "gpt-4o-mini",
    };
    readonly Option<long?> ttl = new("--ttl")
    {
        Description = "Seconds after which a hold expires; the policy's own where it is not given.", HelpName = "SECONDS",
    };
    readonly Option<long?> limit = new("--limit-tokens-per-hour")
    {
        Description = "Before the run, set the policy of every account to this one limit.", HelpName = "TOKENS",
    };
    readonly Option<string?> run = new("--run")
    {
        Description = "Part of every id: a run that is played again under its name counts nothing twice. Made from the time where it is "
            + "not given.",
        HelpName = "ID",
    };
    readonly Option<double> giveUp = new("--give-up")
    {
        Description = "Stop when the host can not be reached for so long.", HelpName = "SECONDS", DefaultValueFactory = _ => 60,
    };
    readonly Option<int?> synthetic = new("--synthetic")
    {
        Description = "Play this many made-up calls (default 1000 without a FILE).", HelpName = "N",
    };
    readonly Option<string?> ledgerFile = new("--ledger-file")
    {
        Description = "Append every acknowledged hold and settlement to this file as a JSON line.", HelpName = "PATH",
    };
    readonly Option<bool> verify = new("--verify")
    {
        Description = "Afterwards, compare the report of every account with what was settled.",
    };

    public static Command Build(IAnsiConsole console) => new ReplayCommand().For(console);

    Command For(IAnsiConsole console)
    {
        CommandLine.NotAnOption(file);
        var command = new Command("replay", "Play a trace of LLM calls: check, reserve and settle each call. It goes to the host that "
            + "has the data folder, or that --url names. Exit code 0: every call was answered as expected; 1: not; 2: wrong usage; 3: no "
            + "host; 130: interrupted.")
        {
            file, speed, accounts, concurrency, model, ttl, limit, run, giveUp, synthetic, ledgerFile, verify, scratch, remove,
        };
        access.AddTo(command, throughHost: true);
        CommandLine.Require(accounts, value => value is >= 1 and <= 1_000_000, "must be 1 to 1000000");
        CommandLine.Require(concurrency, value => value is >= 1 and <= 10_000, "must be 1 to 10000");
        CommandLine.Require(ttl, value => value is null or (>= 1 and <= 24 * 3600), "must be 1 to 86400 seconds");
        CommandLine.Require(limit, value => value is null or >= 0, "must not be negative");
        CommandLine.Require(run, value => value is null || ReplayOptions.IsRun(value), "must be 1 to 64 letters, digits, '.', '_' and '-'");
        CommandLine.Require(giveUp, value => value is >= 0 and <= 86400, "must be 0 to 86400 seconds");
        CommandLine.Require(synthetic, value => value is null or >= 1, "must be at least 1");
        command.Validators.Add(result =>
        {
            if (result.GetResult(file) is { Tokens.Count: > 0 } && result.GetResult(synthetic) is { Implicit: false })
                result.AddError("Give a FILE or --synthetic, not both.");
            if (result.GetValue(remove) && (result.GetValue(scratch) || result.GetResult(file) is { Tokens.Count: > 0 }
                || result.GetResult(synthetic) is { Implicit: false }))
                result.AddError("--remove plays nothing: it takes neither FILE nor --synthetic nor --scratch.");
        });

        var screen = new OperationScreen(console);
        screen.Runs(command, async (parsed, cancellation) =>
        {
            if (parsed.GetValue(remove))
            {
                var ofHost = access.SettingsOf(parsed);
                using var host = new HostClient(HostOf(access, parsed, ofHost), access.KeyOf(parsed, ofHost), ofHost.TlsCertificate);
                return await ReplayRemoval.RunAsync(host, screen, cancellation);
            }
            await using var own = parsed.GetValue(scratch) ? await ScratchHost.StartAsync(cancellation) : null;
            var settings = own is null ? access.SettingsOf(parsed) : null;
            var options = OptionsOf(parsed, own?.Url ?? HostOf(access, parsed, settings!), settings) with { Json = screen.Json };
            return await Replay.RunAsync(options, console, cancellation);
        });
        return command;
    }

    ReplayOptions OptionsOf(ParseResult parsed, Uri url, ServerOptions? settings) => new()
    {
        File = parsed.GetValue(file),
        Url = url,
        Speed = parsed.GetValue(speed),
        Accounts = parsed.GetValue(accounts),
        Concurrency = parsed.GetValue(concurrency),
        Model = parsed.GetValue(model)!,
        TtlSeconds = parsed.GetValue(ttl),
        LimitTokensPerHour = parsed.GetValue(limit),
        Key = settings is null ? null : access.KeyOf(parsed, settings),
        Certificate = settings?.TlsCertificate,
        Run = parsed.GetValue(run) ?? TimeProvider.System.GetUtcNow().ToString("yyyyMMdd'T'HHmmss.fff", CultureInfo.InvariantCulture),
        GiveUp = TimeSpan.FromSeconds(parsed.GetValue(giveUp)),
        Synthetic = parsed.GetValue(synthetic) ?? 1000,
        LedgerFile = parsed.GetValue(ledgerFile),
        Verify = parsed.GetValue(verify),
    };

    /// <summary>A replay books: it goes to a host that was meant, not to whatever listens somewhere.</summary>
    static Uri HostOf(LedgerAccess access, ParseResult parsed, ServerOptions settings) => access.AddressOf(parsed, settings)
        ?? throw new NoLedgerException(
            (settings.Ledger == "sqlite" ? $"no host has {Path.GetFullPath(settings.Data)}: start one with ./run, "
                : $"with PURSER_LEDGER={settings.Ledger} nothing says where a host listens: ")
            + "name one with --url, or play against one of its own with --scratch", ExitCodes.NotReachable);

    static double? ReadSpeed(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (text == "max") return null;
        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var speed) && speed > 0
            && double.IsFinite(speed)) return speed;
        result.AddError($"--speed '{text}' must be a number above 0, or max");
        return null;
    }
}
