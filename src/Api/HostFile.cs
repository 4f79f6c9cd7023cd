// A small file in the data folder that says where the host listens which has the folder, so that commands can go through it.
using System.Net;
using System.Text.Json;

namespace Purser.Api;

/// <summary>Who has the folder: where it listens, as seen from this machine, and its process id.</summary>
public sealed record HostFile(string Url, int ProcessId)
{
    public const string FileName = "host.json";

    static string PathIn(string folder) => Path.Combine(folder, FileName);

    /// <summary>Written whole or not at all; the lock on the folder sees to it that there is one writer. Where nothing can be written
    /// commands are given the address (`--url`): false.</summary>
    public bool Write(string folder)
    {
        var part = PathIn(folder) + ".part";
        try
        {
            File.WriteAllText(part, JsonSerializer.Serialize(this, HostFileJson.Default.HostFile));
            File.Move(part, PathIn(folder), overwrite: true);
            return true;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            Delete(part, PathIn(folder));
            return false;
        }
    }

    /// <summary>What is there; null where there is nothing that makes sense. A host that was killed leaves its file behind.</summary>
    public static HostFile? Read(string folder)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(PathIn(folder)), HostFileJson.Default.HostFile);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    public static void Delete(string folder) => Delete(PathIn(folder), PathIn(folder) + ".part");

    /// <summary>What stays names a process that is gone, as after a kill: nobody takes it for a host.</summary>
    static void Delete(params string[] paths)
    {
        foreach (var path in paths)
            try
            {
                File.Delete(path);
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                // Nothing can be written there.
            }
    }

    /// <summary>One of the addresses that can be called from this machine: those that mean every address are called on loopback.</summary>
    public static string? Reachable(IEnumerable<string> addresses)
    {
        foreach (var address in addresses)
        {
            if (!Uri.TryCreate(address.Replace("//+", "//0.0.0.0", StringComparison.Ordinal)
                .Replace("//*", "//0.0.0.0", StringComparison.Ordinal), UriKind.Absolute, out var url) || url.Host.Length == 0
                    || url.Port <= 0) continue;
            var everywhere = IPAddress.TryParse(url.Host.Trim('[', ']'), out var ip)
                && (ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any));
            return everywhere ? new UriBuilder(url) { Host = "127.0.0.1" }.Uri.AbsoluteUri : url.AbsoluteUri;
        }
        return null;
    }
}

[System.Text.Json.Serialization.JsonSourceGenerationOptions(
    PropertyNamingPolicy = System.Text.Json.Serialization.JsonKnownNamingPolicy.CamelCase)]
[System.Text.Json.Serialization.JsonSerializable(typeof(HostFile))]
sealed partial class HostFileJson : System.Text.Json.Serialization.JsonSerializerContext;
