// What an operator asks of a running host: a backup, and whether everything that was derived from the journal agrees with it.
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class OperationEndpoints(IStore ledger, LedgerClock clock)
{
    public const string BackupType = "application/gzip";

    /// <summary>Streams. An answer that breaks off has no last line, so nobody takes it for a whole backup.</summary>
    public async Task Backup(HttpContext http)
    {
        _ = new Query(http, []);
        // A ledger that is away says so while there is still a status to say it with.
        await ledger.LoadSettingsAsync();
        http.Response.ContentType = BackupType;
        await Engine.Backup.WriteAsync(ledger, http.Response.Body, clock.Now, null, http.RequestAborted);
    }

    public async Task Rebuild(HttpContext http)
    {
        _ = new Query(http, []);
        var rebuilt = await JournalRebuild.RunAsync(ledger, ledger, null, http.RequestAborted);
        await Reply.JsonAsync(http, 200, new RebuildDocument(rebuilt.Accounts, rebuilt.Compacted), ApiJson.Default.RebuildDocument);
    }

    public async Task Verify(HttpContext http)
    {
        _ = new Query(http, []);
        var report = await Verification.RunAsync(ledger, null, http.RequestAborted);
        await Reply.JsonAsync(http, 200, VerificationDocument.Of(report), ApiJson.Default.VerificationDocument);
    }
}
