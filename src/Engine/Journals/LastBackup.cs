// When a backup of the ledger was last written whole: kept beside it, so that somebody can notice when it is too old.
using System.Text.Json.Serialization;
using NodaTime;

namespace Purser.Engine;

public sealed record LastBackup(long AtMillis)
{
    const string Document = "last-backup";

    /// <summary>Null where there never was one.</summary>
    public static async Task<Instant?> ReadAsync(ISharedState shared) =>
        (await shared.LoadAsync(Document, LastBackupJson.Default.LastBackup)).Value is { } last
            ? Instant.FromUnixTimeMilliseconds(last.AtMillis) : null;

    public static async Task NoteAsync(ISharedState shared, Instant at)
    {
        var last = new LastBackup(at.ToUnixTimeMilliseconds());
        while (!await shared.SaveAsync(Document, (await shared.LoadAsync(Document))!.Version, last, LastBackupJson.Default.LastBackup))
        {
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(LastBackup))]
sealed partial class LastBackupJson : JsonSerializerContext;
