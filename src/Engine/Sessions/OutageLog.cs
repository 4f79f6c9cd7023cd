// Says once when the ledger goes away and once when it is back, however many of a host's parts notice.
using Microsoft.Extensions.Logging;

namespace Purser.Engine;

public sealed class OutageLog(ILogger log)
{
    /// <summary>1 while it is away.</summary>
    int away;

    public void Away(string why)
    {
        if (Interlocked.Exchange(ref away, 1) == 0) log.LogWarning("The ledger can not be reached: {Why}. Calls are answered 503", why);
    }

    public void Answered()
    {
        if (Volatile.Read(ref away) == 1 && Interlocked.Exchange(ref away, 0) == 1) log.LogWarning("The ledger answers again");
    }
}
