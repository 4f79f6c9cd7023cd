// `gate`: the shortest way to a budget. A host with providers' keys, an amount of money a day and a key for clients; it prints what to set.
using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Purser.Core;
using Spectre.Console;

namespace Purser.Api;

static class GateCommand
{
    const string DefaultAccount = "me", LimitId = "gate-daily";
    const decimal DefaultAmount = 5;

    static readonly (string Name, string Says)[] providers =
    [
        ("openai", "OpenAI's"), ("anthropic", "Anthropic's"), ("gemini", "Google's"),
    ];

    public static Command Build(IAnsiConsole console)
    {
        var keys = providers.ToDictionary(one => one.Name, one => new Option<string?>("--" + one.Name)
        {
            Description = $"A file with {one.Says} API key.", HelpName = "KEY_FILE",
        });
        var account = new Option<string>("--account")
        {
            Description = $"Who pays; '{DefaultAccount}' where it is not said.", HelpName = "ACCOUNT",
            DefaultValueFactory = _ => DefaultAccount,
        };
        CommandLine.Require(account, Validity.IsAccountId, "must be letters, digits and . _ - : @");
        var daily = new Option<decimal?>("--daily")
        {
            Description = $"How much it may spend a day, in USD; {DefaultAmount} where nothing was set before.", HelpName = "USD",
        };
        CommandLine.Require(daily, value => value is null or (> 0 and <= 1_000_000), "must be more than 0 USD, and at most 1000000");
        var command = new Command("gate", "Start a host whose gate has providers' keys, a budget a day and a key for clients; settings of "
            + "the host can be given too (--PURSER_URLS=...).") { TreatUnmatchedTokensAsErrors = false };
        foreach (var option in keys.Values) command.Options.Add(option);
        command.Options.Add(account);
        command.Options.Add(daily);
        command.Validators.Add(result =>
        {
            if (keys.Values.All(option => result.GetValue(option) is null))
                result.AddError("gate needs the key of a provider: --openai KEY_FILE, --anthropic KEY_FILE or --gemini KEY_FILE");
        });
        command.SetAction((parsed, _) => RunAsync(
            [.. from one in keys
                let file = parsed.GetValue(one.Value)
                where file is not null
                select (one.Key, Path.GetFullPath(file))],
            parsed.GetValue(account)!, parsed.GetValue(daily), parsed.UnmatchedTokens, console.Profile.Out.Writer));
        return command;
    }

    static async Task<int> RunAsync(IReadOnlyList<(string Name, string File)> keys, string account, decimal? daily,
        IReadOnlyList<string> settings, TextWriter output)
    {
        foreach (var (name, file) in keys)
            if (KeyProblem(file) is { } problem)
            {
                await Console.Error.WriteLineAsync($"purser: --{name} {file}: {problem}");
                return ExitCodes.WrongUsage;
            }
        var host = ServerOptions.Of(WebApplication.CreateSlimBuilder([.. settings]).Configuration);
        List<string> all = [.. settings, "--PURSER_GATE_KEYS=" + string.Join(',', keys.Select(key => $"{key.Name}={key.File}"))];
        var admin = host.AdminKey;
        var adminFile = Path.Combine(host.Data, "admin.key");
        try
        {
            // The gate spends the provider's key: even on this machine it wants to be shown one.
            if (admin is null)
            {
                admin = ReadOrMake(host.Data, adminFile);
                all.Add("--PURSER_ADMIN_KEY_FILE=" + adminFile);
            }
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"purser: PURSER_DATA={host.Data}: {StartProblems.OneLine(fault.Message)}");
            return ExitCodes.NotReachable;
        }
        return await Server.RunAsync([.. all], async address =>
        {
            using var client = new HostClient(address, admin, host.TlsCertificate);
            var budget = await BudgetAsync(client, daily);
            var key = await ClientKeyAsync(client, account, host.Data);
            await TellAsync(output, address, [.. keys.Select(one => one.Name)], account, budget, key,
                host.AdminKey is null ? adminFile : null);
        });
    }

    static string? KeyProblem(string file)
    {
        try
        {
            var key = File.ReadAllText(file).Trim();
            return key.Length == 0 ? "the file is empty: put the provider's key into it"
                : key.Any(letter => letter is <= ' ' or > '~') ? "must hold one key, and nothing else" : null;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return StartProblems.OneLine(unreadable.Message);
        }
    }

    /// <summary>A secret that stays the same over starts, readable by nobody else.</summary>
    static string ReadOrMake(string folder, string file)
    {
        if (File.Exists(file) && File.ReadAllText(file).Trim() is { Length: > 0 } known) return known;
        Directory.CreateDirectory(folder);
        var made = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(20));
        Write(file, made);
        return made;
    }

    static void Write(string file, string secret)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var writer = new StreamWriter(file, options);
        writer.WriteLine(secret);
    }

    /// <summary>Sets the budget under every account where there is none, or the one that was set here; says which limits hold.</summary>
    static async Task<string> BudgetAsync(HostClient client, decimal? daily)
    {
        var policy = await client.AskAsync(HttpMethod.Get, "v1/default-policy", null, CancellationToken.None);
        var limits = policy.GetProperty("limits").EnumerateArray().Select(limit => limit.GetProperty("id").GetString()).ToList();
        if (limits.Count == 0 || (daily is not null && limits.Contains(LimitId)))
        {
            var changed = JsonNode.Parse(policy.GetRawText())!.AsObject();
            changed["limits"] = new JsonArray([.. changed["limits"]!.AsArray()
                .Where(limit => (string?)limit!["id"] != LimitId).Select(limit => limit!.DeepClone()), new JsonObject
                {
                    ["id"] = LimitId, ["unit"] = "cost", ["window"] = "day",
                    ["amount"] = (daily ?? DefaultAmount).ToString(CultureInfo.InvariantCulture),
                }]);
            policy = await client.AskAsync(HttpMethod.Put, "v1/default-policy", changed, CancellationToken.None);
            limits = [.. policy.GetProperty("limits").EnumerateArray().Select(limit => limit.GetProperty("id").GetString())];
        }
        var own = policy.GetProperty("limits").EnumerateArray().Where(limit => limit.GetProperty("id").GetString() == LimitId).ToList();
        if (own.Count == 0) return $"the limits of the default policy ({string.Join(", ", limits)}), which stay as they were set";
        var amount = own[0].GetProperty("amount").ToString();
        return limits.Count == 1 ? $"{amount} USD a day" : $"{amount} USD a day, and the other limits of the default policy";
    }

    /// <summary>A key that is for the account alone and may spend; the one of an earlier start where that is still good.</summary>
    static async Task<string> ClientKeyAsync(HostClient client, string account, string folder)
    {
        var file = Path.Combine(folder, $"gate-{string.Concat(account.Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : '_'))}.key");
        if (File.Exists(file) && File.ReadAllText(file).Trim() is { Length: > 0 } known && await IsForAsync(client, known, account))
            return known;
        var made = await client.AskAsync(HttpMethod.Post, "v1/keys", new JsonObject
        {
            ["name"] = $"gate of {account}", ["rights"] = new JsonArray("hold", "read"), ["accounts"] = new JsonArray(account),
        }, CancellationToken.None);
        var text = made.GetProperty("key").GetString()!;
        Directory.CreateDirectory(folder);
        Write(file, text);
        return text;
    }

    static async Task<bool> IsForAsync(HostClient client, string key, string account)
    {
        using var own = client.As(key);
        try
        {
            // Takes nothing; a key of another account would be told that there is none.
            await own.AskAsync(HttpMethod.Post, $"v1/accounts/{account}/check", new JsonObject { ["tokens"] = 0, ["cost"] = "0" },
                CancellationToken.None);
            return true;
        }
        catch (NoLedgerException)
        {
            return false;
        }
    }

    static async Task TellAsync(TextWriter output, Uri address, IReadOnlyList<string> names, string account, string budget, string key,
        string? adminFile)
    {
        var gate = address.AbsoluteUri.TrimEnd('/') + "/gate";
        var lines = new List<string> { "", $"'{account}' may spend {budget}. In the shell of a client:", "" };
        foreach (var name in names)
            lines.AddRange(name switch
            {
                "openai" => [$"  export OPENAI_BASE_URL={gate}/openai/v1", $"  export OPENAI_API_KEY={key}"],
                "anthropic" => [$"  export ANTHROPIC_BASE_URL={gate}/anthropic", $"  export ANTHROPIC_API_KEY={key}"],
                _ => (string[])[$"  export GOOGLE_GEMINI_BASE_URL={gate}/gemini", $"  export GEMINI_API_KEY={key}"],
            });
        lines.AddRange(["", "A first call, and what it says of the budget:", "", "  " + Curl(names[0], gate, key), ""]);
        lines.Add($"Pages: {address} (key: {adminFile ?? "yours"}). Everything else: docs/gate.md. Ctrl-C ends it.");
        foreach (var line in lines) await output.WriteLineAsync(line);
        await output.FlushAsync();
    }

    static string Curl(string name, string gate, string key) => name switch
    {
        "openai" => $"curl -si {gate}/openai/v1/chat/completions -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' "
            + """-d '{"model":"gpt-4o-mini","max_tokens":50,"messages":[{"role":"user","content":"Say hello."}]}'""",
        "anthropic" => $"curl -si {gate}/anthropic/v1/messages -H 'x-api-key: {key}' -H 'anthropic-version: 2023-06-01' "
            + """-H 'Content-Type: application/json' -d '{"model":"claude-haiku-4-5","max_tokens":50,"messages":[{"role":"user","content":"Say hello."}]}'""",
        _ => $"curl -si {gate}/gemini/v1beta/models/gemini-2.5-flash:generateContent -H 'x-goog-api-key: {key}' "
            + """-H 'Content-Type: application/json' -d '{"contents":[{"parts":[{"text":"Say hello."}]}],"generationConfig":{"maxOutputTokens":500}}'""",
    };
}
