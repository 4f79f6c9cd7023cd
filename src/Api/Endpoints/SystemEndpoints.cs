// What this service is made of: ledger, lag, nodes.
using Purser.Api.Documents;
using Purser.Api.Json;

namespace Purser.Api.Endpoints;

sealed class SystemEndpoints(INodes nodes)
{
    public async Task Get(HttpContext http)
    {
        Query.None(http);
        var unfolded = nodes.UnfoldedAsync(http.RequestAborted);
        var serving = await nodes.ListAsync(http.RequestAborted);
        await Reply.JsonAsync(http, 200, new SystemDocument(nodes.Ledger, await unfolded, [.. serving.Select(node => new SystemNodeDocument(
            node.Name, node.Role, node.State, node.Address, node.StartedAt, node.IsHere))]), ApiJson.Default.SystemDocument);
    }
}
