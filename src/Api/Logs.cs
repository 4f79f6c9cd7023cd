// What the log says and how: the level and the form of its lines, the same for every host.
using Microsoft.Extensions.Logging.Console;

namespace Purser.Api;

public static class Logs
{
    /// <summary>While an executable starts, what goes wrong is told in one line by whoever runs it; the framework would add its
    /// stack.</summary>
    public static bool Starting { get; set; }

    /// <summary>
    /// `text` is a line for each event; `json` is an object for each, with the scopes of a request in it. Levels of single categories may
    /// be set besides, as `Logging:LogLevel:CATEGORY`.
    /// </summary>
    public static void Configure(ILoggingBuilder logging, string level, string format)
    {
        var least = LevelOf(level);
        logging.SetMinimumLevel(least);
        foreach (var starter in (string[])["Microsoft.Extensions.Hosting.Internal.Host", "Orleans.Runtime.SiloLifecycleSubject",
            "Orleans.Runtime.Silo"])
            logging.AddFilter(starter, at => !Starting && at >= LogLevel.Warning && at >= least);
        // They lie in the ledger, as everything else that nobody else may read.
        logging.AddFilter("Microsoft.AspNetCore.DataProtection.KeyManagement.XmlKeyManager", LogLevel.Error);
        // The frameworks say a lot at the levels of this product; who asks for everything gets that, too.
        if (least is LogLevel.Information)
            foreach (var framework in (string[])["Microsoft", "System", "Orleans"]) logging.AddFilter(framework, LogLevel.Warning);
        const string utc = "yyyy-MM-ddTHH:mm:ss.fffZ ";
        if (format == "json")
            logging.AddJsonConsole(json => (json.IncludeScopes, json.UseUtcTimestamp, json.TimestampFormat) = (true, true, utc.Trim()));
        else
            logging.AddSimpleConsole(text => (text.SingleLine, text.UseUtcTimestamp, text.TimestampFormat, text.ColorBehavior) =
                (true, true, utc, LoggerColorBehavior.Disabled));
    }

    static LogLevel LevelOf(string level) => level switch
    {
        "error" => LogLevel.Error,
        "information" => LogLevel.Information,
        "debug" => LogLevel.Debug,
        _ => LogLevel.Warning,
    };
}
