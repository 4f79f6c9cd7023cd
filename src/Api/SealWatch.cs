// Seals the audit trails on a schedule, into a folder that should be away from the ledger: what `./run seal` does by hand.
using NodaTime;
using NodaTime.Text;
using Purser.Api.Access;
using Purser.Engine;

namespace Purser.Api;

/// <summary>
/// The folder tells when the last seal was made, so that a host that starts again makes none too many, and hosts that share the folder make
/// one between them.
/// </summary>
sealed class SealWatch(IUsageQueries ledger, AccessOptions access, LedgerClock clock, ILogger<SealWatch> log,
    IHostApplicationLifetime? host = null, TimeProvider? time = null) : BackgroundService
{
    static readonly TimeSpan betweenLooks = TimeSpan.FromMinutes(1);

    /// <summary>A seal walks every trail: one that failed is tried again after this.</summary>
    static readonly Duration afterFailure = Duration.FromHours(1);

    static readonly InstantPattern inNames = InstantPattern.CreateWithInvariantCulture("uuuu-MM-dd'T'HH-mm-ss'Z'");

    const string Beginning = "seal-", Ending = ".jsonl";

    Instant notBefore = Instant.MinValue;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => SealAsync(stoppingToken).UntilStoppedAsync(stoppingToken);

    async Task SealAsync(CancellationToken stoppingToken)
    {
        if (access.AuditSeals is null) return;
        // A host that does not get to work seals nothing, and says nothing of it.
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var atStart = host?.ApplicationStarted.Register(started.SetResult);
        if (host is not null) await started.Task.WaitAsync(stoppingToken);
        using var timer = new PeriodicTimer(betweenLooks, time ?? TimeProvider.System);
        do await LookAsync(stoppingToken);
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>Makes a seal where one is due; the name of its file, or null.</summary>
    public async Task<string?> LookAsync(CancellationToken cancellation)
    {
        var now = clock.Now;
        if (now < notBefore) return null;
        try
        {
            if (!IsDue(now)) return null;
            var path = Path.Combine(access.AuditSeals!, Beginning + inNames.Format(now) + Ending);
            if (await WriteAsync(path, now, cancellation) is not { } accounts) return null;
            log.LogInformation("Sealed the audit trails of {Accounts} accounts in {File}", accounts, path);
            return path;
        }
        catch (LedgerUnavailableException unavailable)
        {
            log.LogInformation("The audit trails were not sealed, which is tried again in a minute: {Why}", unavailable.Message);
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            notBefore = now + afterFailure;
            log.LogError(e is IOException or UnauthorizedAccessException or InvalidDataException ? null : e,
                "The audit trails could not be sealed into {Folder}, which is tried again in an hour: {Why}", access.AuditSeals,
                e.Message);
        }
        return null;
    }

    bool IsDue(Instant now) => NewestAt() is not { } last || now - last >= Duration.FromHours(access.AuditSealHours);

    /// <summary>When the newest seal of the folder was made; null where there is none.</summary>
    Instant? NewestAt()
    {
        Instant? newest = null;
        foreach (var file in Directory.EnumerateFiles(access.AuditSeals!, Beginning + "*" + Ending))
            if (inNames.Parse(Path.GetFileName(file)[Beginning.Length..^Ending.Length]) is { Success: true, Value: var at }
                && !(at < newest)) newest = at;
        return newest;
    }

    /// <summary>How many accounts were sealed; null where another host was faster. A file is there under its name only once it is whole,
    /// and the part is this host's alone: in containers all have the same process id.</summary>
    async Task<long?> WriteAsync(string path, Instant now, CancellationToken cancellation)
    {
        using var key = AuditKey.Load(access.AuditKey!);
        if (!key.CanSign) throw new InvalidDataException("PURSER_AUDIT_KEY has only the public key, which makes no seals");
        var part = $"{path}.{Guid.NewGuid():N}.part";
        try
        {
            long accounts;
            await using (var to = new FileStream(part, FileMode.CreateNew, FileAccess.Write))
            {
                accounts = await AuditSeal.WriteAsync(ledger, key, to, now, null, cancellation);
                to.Flush(flushToDisk: true);
            }
            if (!IsDue(now)) return null;
            File.Move(part, path);
            return accounts;
        }
        catch (IOException) when (File.Exists(path))
        {
            return null;
        }
        finally
        {
            File.Delete(part);
        }
    }
}
