// Talks to a running host for the commands that go through it.
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Engine;

namespace Purser.Api;

sealed class HostClient : IDisposable
{
    readonly HttpClient http;
    readonly string? certificate;

    /// <param name="certificate">PURSER_TLS_CERTIFICATE: the host that serves exactly this one is trusted, whatever name it is called
    /// by.</param>
    public HostClient(Uri url, string? key, string? certificate = null)
    {
        this.certificate = certificate;
        var handler = new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(5), UseCookies = false, UseProxy = false };
        OwnCertificate.Trust(handler.SslOptions, certificate);
        // A large ledger takes its time; whoever waits can see that it goes on, and stop it.
        http = new(handler) { BaseAddress = new(url.AbsoluteUri.TrimEnd('/') + "/"), Timeout = Timeout.InfiniteTimeSpan };
        if (key is { Length: > 0 }) http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    public Uri Url => http.BaseAddress!;

    /// <summary>To the same host with another key.</summary>
    public HostClient As(string? other) => new(Url, other, certificate);

    /// <summary>Copies the backup as it comes; <paramref name="progress"/> gets the bytes.</summary>
    public Task BackupAsync(Stream to, Action<long> progress, CancellationToken cancellation) =>
        CopyAsync("v1/backup", "backup", to, progress, cancellation);

    public Task SealAsync(Stream to, Action<long> progress, CancellationToken cancellation) =>
        CopyAsync("v1/audit/seal", "seal", to, progress, cancellation);

    async Task CopyAsync(string path, string what, Stream to, Action<long> progress, CancellationToken cancellation)
    {
        using var response = await SendAsync(HttpMethod.Get, path, cancellation);
        try
        {
            await using var from = await response.Content.ReadAsStreamAsync(cancellation);
            var buffer = new byte[64 * 1024];
            for (var (total, read) = (0L, 0); (read = await from.ReadAsync(buffer, cancellation)) > 0; progress(total += read))
                await to.WriteAsync(buffer.AsMemory(0, read), cancellation);
        }
        catch (HttpIOException broken)
        {
            throw new InvalidDataException(
                $"the host broke off the {what} ({broken.HttpRequestError}); its log tells why, or `verify` does", broken);
        }
    }

    public Task<VerificationDocument> VerifyAsync(Stream? seal, CancellationToken cancellation) =>
        PostAsync("v1/verify", ApiJson.Default.VerificationDocument, cancellation, seal);

    public async Task<RebuildCount> RebuildAsync(CancellationToken cancellation)
    {
        var (accounts, compacted) = await PostAsync("v1/rebuild", ApiJson.Default.RebuildDocument, cancellation);
        return new(accounts, compacted);
    }

    async Task<T> PostAsync<T>(string path, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, CancellationToken cancellation,
        Stream? seal = null)
    {
        using var response = await SendAsync(HttpMethod.Post, path, cancellation, seal);
        try
        {
            return JsonSerializer.Deserialize(await response.Content.ReadAsByteArrayAsync(cancellation), type)
                ?? throw NotUnderstood(response.StatusCode);
        }
        catch (JsonException)
        {
            throw NotUnderstood(response.StatusCode);
        }
    }

    /// <summary>Asks for anything with JSON in and out. A refusal ends the command with what the host says about it.</summary>
    public async Task<JsonElement> AskAsync(
        HttpMethod method, string path, System.Text.Json.Nodes.JsonObject? body, CancellationToken cancellation)
    {
        try
        {
            using var request = new HttpRequestMessage(method, path);
            if (body is not null) request.Content = new StringContent(body.ToJsonString(), System.Text.Encoding.UTF8, "application/json");
            using var response = await http.SendAsync(request, cancellation);
            var text = await response.Content.ReadAsByteArrayAsync(cancellation);
            if (response.IsSuccessStatusCode) return JsonDocument.Parse(text).RootElement;
            var problem = JsonSerializer.Deserialize(text, ApiJson.Default.ProblemDocument);
            throw new NoLedgerException(
                $"the host at {Url} answers {(int)response.StatusCode}: "
                    + $"{(problem?.Field is { } field ? $"{field}: " : "")}{problem?.Detail ?? problem?.Title}",
                CodeOf(response.StatusCode));
        }
        catch (HttpRequestException failed)
        {
            throw new NoLedgerException($"the host at {Url} can not be reached: {failed.Message}", ExitCodes.NotReachable);
        }
        catch (JsonException)
        {
            throw new NoLedgerException($"what listens at {Url} does not answer in JSON: is it a host of this version?",
                ExitCodes.NotReachable);
        }
    }

    /// <summary>Every price, as the host shows it.</summary>
    public async Task<IReadOnlyList<JsonElement>> PricesAsync(CancellationToken cancellation)
    {
        var prices = new List<JsonElement>();
        string? cursor = null;
        do
        {
            using var response = await SendAsync(
                HttpMethod.Get, $"v1/prices?limit=1000{(cursor is null ? "" : $"&cursor={Uri.EscapeDataString(cursor)}")}", cancellation);
            try
            {
                var page = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(cancellation)).RootElement;
                prices.AddRange(page.GetProperty("items").EnumerateArray());
                cursor = page.GetProperty("nextCursor").GetString();
            }
            catch (Exception other) when (other is JsonException or InvalidOperationException or KeyNotFoundException)
            {
                throw NotUnderstood(response.StatusCode);
            }
        }
        while (cursor is not null);
        return prices;
    }

    async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, CancellationToken cancellation, Stream? seal = null)
    {
        HttpResponseMessage response;
        try
        {
            using var request = new HttpRequestMessage(method, path);
            if (seal is not null)
                request.Content = new StreamContent(seal) { Headers = { ContentType = new(Endpoints.OperationEndpoints.SealType) } };
            response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        }
        catch (HttpRequestException failed)
        {
            throw new NoLedgerException($"the host at {Url} can not be reached: {failed.Message}", ExitCodes.NotReachable);
        }
        if (response.StatusCode == HttpStatusCode.OK) return response;
        using (response)
        {
            var status = response.StatusCode;
            if (status == HttpStatusCode.Unauthorized && http.DefaultRequestHeaders.Authorization is null)
                throw new NoLedgerException($"the host at {Url} asks for a key: give it with --key or in PURSER_ADMIN_KEY",
                    ExitCodes.NotReachable);
            throw (await WhyAsync(response, cancellation), status) switch
            {
                (null, _) => NotUnderstood(status),
                ({ } why, HttpStatusCode.BadRequest or HttpStatusCode.UnprocessableEntity) =>
                    new($"the host at {Url} refuses it: {why}", ExitCodes.WrongUsage),
                ({ } why, _) => new NoLedgerException($"the host at {Url} answers {(int)status}: {why}",
                    CodeOf(status)),
            };
        }
    }

    static int CodeOf(HttpStatusCode status) =>
        status is HttpStatusCode.Unauthorized or HttpStatusCode.ServiceUnavailable ? ExitCodes.NotReachable : ExitCodes.Failed;

    /// <summary>What a host says went wrong; null where something else answered.</summary>
    static async Task<string?> WhyAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        if (response.Content.Headers.ContentType?.MediaType != Problems.ContentType) return null;
        try
        {
            var problem = JsonSerializer.Deserialize(await response.Content.ReadAsByteArrayAsync(cancellation),
                ApiJson.Default.ProblemDocument);
            return problem?.Detail ?? problem?.Title;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    NoLedgerException NotUnderstood(HttpStatusCode status) =>
        new($"what listens at {Url} answers {(int)status}: is it a host of this version?", ExitCodes.NotReachable);

    public void Dispose() => http.Dispose();
}
