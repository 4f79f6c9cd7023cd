// Sends traces, metrics and logs to a receiver of OTLP where the standard settings (OTEL_*) name one. Where they name none, nothing of this
// exists in the process, and spans are not even made. Whatever the receiver does, nothing that books or decides waits for it: what it does
// not take is dropped when the bounded queues are full, and while it takes nothing next to no spans are made.
using System.Reflection;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Purser.Api.Metrics;
using Purser.Engine;

namespace Purser.Api.Telemetry;

public static class TelemetryOut
{
    const string Traces = "TRACES", Metrics = "METRICS", Logs = "LOGS";
    static readonly string[] signals = [Traces, Metrics, Logs];

    /// <summary>What others make spans of: the web server comes by its own instrumentation.</summary>
    static readonly string[] othersSources =
        ["Npgsql", "Microsoft.Orleans.Application", "Microsoft.Orleans.Runtime", "System.Net.Http"];

    static readonly string[] certificates =
        ["OTEL_EXPORTER_OTLP_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_KEY"];

    public static IServiceCollection AddPurserTelemetry(this IServiceCollection services, IConfiguration configuration, string? node = null)
    {
        if (!signals.Any(signal => IsWanted(configuration, signal))) return services;
        var telemetry = services.AddOpenTelemetry().ConfigureResource(resource => Describe(resource, node));
        if (IsWanted(configuration, Traces))
            telemetry.WithTracing(traces =>
            {
                traces.AddSource(Engine.Traces.SourceName).AddSource(othersSources).AddAspNetCoreInstrumentation(web =>
                    web.Filter = http => !http.Request.Path.StartsWithSegments("/health") && !http.Request.Path.Equals("/metrics"));
                // A sampler that somebody has chosen is left to the SDK, which reads the setting itself.
                var watch = new ReceiverWatch(TimeProvider.System);
                if (string.IsNullOrEmpty(configuration["OTEL_TRACES_SAMPLER"]))
                    traces.SetSampler(new ParentBasedSampler(new CallsSampler(watch), remoteParentSampled: new TakenSampler(watch)));
                // The exporter makes a client of its own where certificates are set.
                traces.AddOtlpExporter(exporter =>
                {
                    if (certificates.All(name => string.IsNullOrEmpty(configuration[name])))
                        exporter.HttpClientFactory = () => watch.ClientOf(TimeSpan.FromMilliseconds(exporter.TimeoutMilliseconds));
                });
            });
        if (IsWanted(configuration, Metrics))
            telemetry.WithMetrics(metrics => metrics
                .AddMeter([Measures.MeterName, Measures.MeterName + ".*", .. MetricsPage.OthersMeters]).AddOtlpExporter());
        if (IsWanted(configuration, Logs))
            telemetry.WithLogging(logs => logs.AddOtlpExporter(), options =>
                (options.IncludeScopes, options.IncludeFormattedMessage, options.ParseStateValues) = (true, true, true));
        return services;
    }

    /// <summary>What is wrong with the settings, by the names of their variables: the SDK would pass over it in silence.</summary>
    public static IEnumerable<string> Problems(IConfiguration configuration)
    {
        foreach (var name in signals.Select(signal => $"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT").Prepend("OTEL_EXPORTER_OTLP_ENDPOINT"))
            if (configuration[name] is { Length: > 0 } text
                && !(Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"))
                yield return $"{name} must be an address such as http://127.0.0.1:4317";
        foreach (var name in signals.Select(signal => $"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL").Prepend("OTEL_EXPORTER_OTLP_PROTOCOL"))
            if (configuration[name] is { Length: > 0 } protocol and not ("grpc" or "http/protobuf"))
                yield return $"{name} must be grpc or http/protobuf, not '{protocol}'";
        foreach (var name in signals.Select(signal => $"OTEL_{signal}_EXPORTER"))
            if (configuration[name] is { Length: > 0 } exporter and not ("otlp" or "none"))
                yield return $"{name} must be otlp or none, not '{exporter}'; Prometheus reads /metrics without it";
    }

    /// <summary>Where a receiver is named for it, or it is asked for by name: then the receiver is the usual one of this machine.</summary>
    static bool IsWanted(IConfiguration configuration, string signal)
    {
        if (string.Equals(configuration["OTEL_SDK_DISABLED"], "true", StringComparison.OrdinalIgnoreCase)) return false;
        return configuration[$"OTEL_{signal}_EXPORTER"] switch
        {
            { Length: > 0 } exporter => exporter == "otlp",
            _ => configuration[$"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"] is { Length: > 0 }
                || configuration["OTEL_EXPORTER_OTLP_ENDPOINT"] is { Length: > 0 },
        };
    }

    /// <summary>What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say comes last, and holds.</summary>
    static void Describe(ResourceBuilder resource, string? node) => resource.Clear()
        .AddService("purser", serviceVersion: typeof(TelemetryOut).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
            ?.InformationalVersion, serviceInstanceId: node ?? $"{Environment.MachineName}/{Environment.ProcessId}")
        .AddTelemetrySdk().AddEnvironmentVariableDetector();

    /// <summary>Traces begin where calls come in, and not with each look of a host at its own ledger or at other nodes.</summary>
    sealed class CallsSampler(ReceiverWatch watch) : Sampler
    {
        public override SamplingResult ShouldSample(in SamplingParameters samplingParameters) => new(
            samplingParameters.Kind is not (System.Diagnostics.ActivityKind.Client or System.Diagnostics.ActivityKind.Internal)
                && watch.TakesTraces() ? SamplingDecision.RecordAndSample : SamplingDecision.Drop);
    }

    /// <summary>What the caller follows is followed here, too, as long as somebody takes it.</summary>
    sealed class TakenSampler(ReceiverWatch watch) : Sampler
    {
        public override SamplingResult ShouldSample(in SamplingParameters samplingParameters) =>
            new(watch.TakesTraces() ? SamplingDecision.RecordAndSample : SamplingDecision.Drop);
    }
}
