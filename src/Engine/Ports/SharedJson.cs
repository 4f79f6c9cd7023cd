// Shared documents that are JSON: read as what they are, and written.
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Purser.Engine;

public static class SharedJson
{
    /// <summary>What a document holds; null where it was never saved.</summary>
    public static T? ReadAs<T>(this SharedDocument document, JsonTypeInfo<T> type) where T : class =>
        document.Body.Length == 0 ? null : JsonSerializer.Deserialize(document.Body.Span, type);

    /// <summary>The newest version of a document and what it holds; version 0 and null where it was never saved.</summary>
    public static async Task<(long Version, T? Value)> LoadAsync<T>(this ISharedState shared, string name, JsonTypeInfo<T> type)
        where T : class
    {
        var found = (await shared.LoadAsync(name))!;
        return (found.Version, found.ReadAs(type));
    }

    /// <summary>Saves version <paramref name="expectedVersion"/> + 1; false where another version is the newest.</summary>
    public static Task<bool> SaveAsync<T>(this ISharedState shared, string name, long expectedVersion, T value, JsonTypeInfo<T> type) =>
        shared.SaveAsync(name, expectedVersion, JsonSerializer.SerializeToUtf8Bytes(value, type));

    /// <summary>Deletes a document, whichever version it has.</summary>
    public static async Task DropAsync(this ISharedState shared, string name)
    {
        while (await shared.LoadAsync(name) is { Version: > 0 } found && !await shared.DeleteAsync(name, found.Version))
        {
        }
    }
}
