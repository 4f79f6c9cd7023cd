// Settings that are secret: each may stand in a file in place of a variable, and none is ever shown.
using System.Data.Common;
using System.Text.RegularExpressions;

namespace Purser.Api;

/// <summary>Files are what Kubernetes and Docker mount secrets as: other programs see the variables of a process, not its files.</summary>
public static partial class Secrets
{
    const string ending = "_FILE";

    public const string Mask = "***";

    /// <summary>The settings with a secret in them.</summary>
    public static readonly IReadOnlyList<string> Names = ["PURSER_ADMIN_KEY", "PURSER_POSTGRES", "PURSER_REDIS", "PURSER_SMTP",
        "PURSER_OIDC_SECRET"];

    /// <summary>The settings that name a file with one.</summary>
    public static readonly IReadOnlyList<string> FileNames = [.. Names.Select(FileNameOf)];

    public static string FileNameOf(string name) => name + ending;

    /// <summary>The value, else what the file holds, else null. Files are made with `echo`, which ends them with a line break: blanks
    /// around a secret are not part of it.</summary>
    public static string? Of(IConfiguration configuration, string name)
    {
        if (configuration[name] is { Length: > 0 } value) return value;
        return FileOf(configuration, name) is { } file ? TextOf(file)?.Trim() ?? "" : null;
    }

    /// <summary>The file that is read; null where there is none, or where the value itself is given.</summary>
    public static string? FileOf(IConfiguration configuration, string name) =>
        configuration[name] is { Length: > 0 } ? null : configuration[FileNameOf(name)] is { Length: > 0 } file ? file : null;

    /// <summary>What is wrong with the files, a line for each.</summary>
    public static IEnumerable<string> Problems(IConfiguration configuration)
    {
        foreach (var name in Names)
        {
            if (configuration[FileNameOf(name)] is not { Length: > 0 } file) continue;
            if (TextOf(file) is not { } text) yield return $"{FileNameOf(name)} names {file}, which can not be read";
            else if (string.IsNullOrWhiteSpace(text)) yield return $"{FileNameOf(name)} names {file}, which is empty";
        }
    }

    static string? TextOf(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>What may be seen of a setting: of a secret its place and who logs in, member by member as far as they are known to be
    /// harmless; of anything else all but what stands before the `@` of an address.</summary>
    public static string Shown(string name, string value) => name.ToUpperInvariant() switch
    {
        "PURSER_POSTGRES" => Connection(value),
        "PURSER_REDIS" => Redis(value),
        "PURSER_SMTP" => Uri.TryCreate(value, UriKind.Absolute, out var server) && server.Host.Length > 0
            ? $"{server.Scheme}://{(server.UserInfo.Length > 0 ? Mask + "@" : "")}{server.Host}{(server.IsDefaultPort || server.Port < 0 ? ""
                : $":{server.Port}")}{(server.Query == "?tls=none" ? server.Query : "")}" : Mask,
        "PURSER_ADMIN_KEY" or "PURSER_OIDC_SECRET" => Mask,
        _ => BeforeAt().Replace(value, "://" + Mask + "@"),
    };

    static readonly HashSet<string> harmless = new(StringComparer.OrdinalIgnoreCase)
    {
        "Host", "Server", "Port", "Database", "Username", "User Name", "User Id", "SSL Mode", "SslMode", "Root Certificate", "Pooling",
        "Minimum Pool Size", "Maximum Pool Size", "Timeout", "Command Timeout", "Application Name", "Search Path",
    };

    static string Connection(string text)
    {
        try
        {
            var members = new DbConnectionStringBuilder { ConnectionString = text };
            return string.Join(';', members.Keys.Cast<string>().Select(key => $"{key}={(harmless.Contains(key) ? members[key] : Mask)}"));
        }
        catch (ArgumentException)
        {
            return Mask;
        }
    }

    /// <summary>Addresses, and options that are known to be harmless.</summary>
    static string Redis(string text) => string.Join(',', text.Split(',').Select(part => part.Split('=', 2) switch
    {
        [var address] => BeforeAt().IsMatch("://" + address) ? Mask : address,
        [var option, _] when option.Trim().ToLowerInvariant() is "ssl" or "user" or "defaultdatabase" or "abortconnect" => part,
        [var option, ..] => $"{option}={Mask}",
        _ => Mask,
    }));

    [GeneratedRegex("://[^/?#\\s]*@")]
    internal static partial Regex BeforeAt();
}
