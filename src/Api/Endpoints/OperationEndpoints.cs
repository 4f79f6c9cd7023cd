// What an operator asks of a running host: a backup, and whether everything that was derived from the journal agrees with it.
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http.Features;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class OperationEndpoints(IStore ledger, LedgerClock clock, string? auditKey)
{
    public const string SealType = "application/jsonl";

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

    /// <summary>Streams, as a backup does.</summary>
    public async Task Seal(HttpContext http)
    {
        _ = new Query(http, []);
        using var key = KeyOf(auditKey);
        if (!key.CanSign)
            throw RequestRefusedException.Unprocessable(null, "PURSER_AUDIT_KEY has only the public key, which makes no seals");
        await ledger.LoadSettingsAsync();
        http.Response.ContentType = SealType;
        await AuditSeal.WriteAsync(ledger, key, http.Response.Body, clock.Now, null, http.RequestAborted);
    }

    /// <summary>The seal in the body; null where there is none.</summary>
    async Task<AuditSeal?> SealOfAsync(HttpContext http)
    {
        if (http.Request.ContentLength == 0 || http.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody != true) return null;
        if (!MediaTypeHeaderValue.TryParse(http.Request.ContentType, out var type) || type.MediaType != SealType)
            throw new RequestRefusedException(new(OutcomeStatus.Invalid, null, null, $"send a seal as {SealType}, or nothing"))
            {
                Problem = Problems.UnsupportedMediaType,
            };
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = null;
        using var key = KeyOf(auditKey);
        try
        {
            return await AuditSeal.ReadAsync(http.Request.Body, key, http.RequestAborted);
        }
        catch (InvalidDataException wrong)
        {
            throw RequestRefusedException.Invalid(null, wrong.Message);
        }
    }

    static AuditKey KeyOf(string? file)
    {
        if (file is null)
            throw RequestRefusedException.Unprocessable(null,
                "PURSER_AUDIT_KEY is not set on this host: without a key nothing can be sealed or compared with a seal");
        try
        {
            return AuditKey.Load(file);
        }
        catch (InvalidDataException wrong)
        {
            throw RequestRefusedException.Unprocessable(null, $"the file of PURSER_AUDIT_KEY {wrong.Message}");
        }
    }

    public async Task Verify(HttpContext http)
    {
        _ = new Query(http, []);
        var report = await Verification.RunAsync(ledger, null, await SealOfAsync(http), http.RequestAborted);
        await Reply.JsonAsync(http, 200, VerificationDocument.Of(report), ApiJson.Default.VerificationDocument);
    }
}
