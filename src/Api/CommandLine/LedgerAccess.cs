// Where backup, restore and verify find the ledger: the settings of the host, and the host itself where one has the folder.
using System.CommandLine;
using Purser.Engine;
using Purser.Ledgers.Sqlite;

namespace Purser.Api;

/// <summary>The ledger can not be reached, or not in this way; the message says what to do.</summary>
sealed class NoLedgerException(string message, int exitCode) : Exception(message)
{
    public int ExitCode => exitCode;
}

/// <summary>Options that are settings: given, they go before the variables of the same meaning.</summary>
sealed class LedgerAccess
{
    readonly Option<string?> data =
        new("--data", "--PURSER_DATA") { Description = "The folder of the SQLite ledger; PURSER_DATA where it is not given.",
            HelpName = "FOLDER" };
    readonly Option<string?> ledger =
        new("--ledger", "--PURSER_LEDGER") { Description = "sqlite or postgres; PURSER_LEDGER where it is not given.", HelpName = "KIND" };
    readonly Option<string?> postgres =
        new("--postgres",
            "--PURSER_POSTGRES") { Description = "The connection string of PostgreSQL; PURSER_POSTGRES where it is not given.",
                HelpName = "STRING" };
    readonly Option<Uri?> url = new("--url")
    {
        Description = "Go through the host that listens here, whatever its ledger is.",
        CustomParser = CommandLine.Read(CommandLine.WebAddress, "an http:// or https:// address"),
    };
    readonly Option<string?> key =
        new("--key", "--PURSER_ADMIN_KEY") { Description = "The key of the host; PURSER_ADMIN_KEY where it is not given." };

    readonly Option<string?> auditKey = new("--audit-key", "--PURSER_AUDIT_KEY")
    {
        Description = "The key of seals, where no host is asked; PURSER_AUDIT_KEY where it is not given.", HelpName = "FILE",
    };

    public void AddTo(Command command, bool throughHost, bool sealing = false)
    {
        if (sealing) command.Options.Add(auditKey);
        command.Options.Add(data);
        command.Options.Add(ledger);
        command.Options.Add(postgres);
        if (!throughHost) return;
        command.Options.Add(url);
        command.Options.Add(key);
    }

    public ServerOptions SettingsOf(ParseResult parsed)
    {
        var settings = WebApplication.CreateSlimBuilder().Configuration;
        foreach (var (name, value) in new[] { ("PURSER_DATA", parsed.GetValue(data)), ("PURSER_LEDGER", parsed.GetValue(ledger)),
            ("PURSER_POSTGRES", parsed.GetValue(postgres)) })
            if (value is not null) settings[name] = value;
        var options = ServerOptions.Of(settings);
        // Where a host would listen does not matter here.
        var problems = options.Problems().Where(problem => !problem.StartsWith("PURSER_URLS", StringComparison.Ordinal)).ToList();
        return problems.Count == 0 ? options : throw new NoLedgerException(string.Join(Environment.NewLine, problems),
            ExitCodes.WrongUsage);
    }

    /// <summary>The host to go through; null where the ledger can be opened here.</summary>
    public HostClient? HostOf(ParseResult parsed, ServerOptions settings) =>
        AddressOf(parsed, settings) is { } address
            ? new(address, KeyOf(parsed, settings), settings.TlsCertificate) : null;

    public string? KeyOf(ParseResult parsed, ServerOptions settings) => parsed.GetValue(key) ?? settings.AdminKey;

    /// <summary>The key that seals are signed with; a host has its own.</summary>
    public AuditKey AuditKeyOf(ParseResult parsed)
    {
        var file = parsed.GetValue(auditKey) ?? WebApplication.CreateSlimBuilder().Configuration["PURSER_AUDIT_KEY"];
        if (string.IsNullOrWhiteSpace(file))
            throw new NoLedgerException("name the file with the key of seals in PURSER_AUDIT_KEY or with --audit-key",
                ExitCodes.WrongUsage);
        try
        {
            return AuditKey.Load(file);
        }
        catch (InvalidDataException wrong)
        {
            throw new NoLedgerException($"PURSER_AUDIT_KEY: {file} {wrong.Message}", ExitCodes.WrongUsage);
        }
    }

    public async Task<AuditSeal> ReadSealAsync(ParseResult parsed, Stream from, CancellationToken cancellation)
    {
        using var key = AuditKeyOf(parsed);
        try
        {
            return await AuditSeal.ReadAsync(from, key, cancellation);
        }
        catch (InvalidDataException wrong)
        {
            throw new NoLedgerException(wrong.Message, ExitCodes.WrongUsage);
        }
    }

    /// <summary>The address of a host that was named, by its own name or by its folder.</summary>
    public Uri? AddressOf(ParseResult parsed, ServerOptions settings)
    {
        if (parsed.GetValue(url) is { } address) return address;
        if (settings.Ledger != "sqlite" || !SqliteLedger.IsHeld(settings.Data)) return null;
        if (HostFile.Read(settings.Data) is { } host) return new(host.Url);
        throw new NoLedgerException(
            $"{Path.GetFullPath(settings.Data)} is in use, and {HostFile.FileName} does not say by whom: a host that is just starting, "
                + $"or another command. Try again, or give --url.",
            ExitCodes.NotReachable);
    }

    /// <summary>Opens a ledger that is there already.</summary>
    public static Task<IStore> OpenAsync(ServerOptions settings, bool acceptLoss = false)
    {
        if (settings.Ledger == "memory")
            throw new NoLedgerException("PURSER_LEDGER=memory: such a ledger is only in its host; name the host with --url",
                ExitCodes.WrongUsage);
        if (settings.Ledger == "sqlite" && File.Exists(settings.Data))
            throw new NoLedgerException($"{Path.GetFullPath(settings.Data)} is a file where the data folder should be: name a folder with "
                + "PURSER_DATA or --data", ExitCodes.NotReachable);
        if (settings.Ledger == "sqlite" && !SqliteLedger.HadOne(settings.Data))
            throw new NoLedgerException($"there is no ledger in {Path.GetFullPath(settings.Data)}; set PURSER_DATA or give --data",
                ExitCodes.NotReachable);
        return EmbeddedHost.OpenLedgerAsync(settings, acceptLoss);
    }

    public static string NameOf(ServerOptions settings) => settings.Ledger == "sqlite"
        ? $"the SQLite ledger in {Path.GetFullPath(settings.Data)}" : "the PostgreSQL ledger";
}
