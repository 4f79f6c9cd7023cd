// What may travel between nodes and how: the domain's own JSON, for types that are named here and no others.
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;
using Orleans.Serialization.Cloning;
using Purser.Core;
using Purser.Engine;

namespace Purser.Interfaces;

public static class Wire
{
    static readonly HashSet<Type> allowed =
    [
        .. typeof(BudgetCommand).Assembly.GetTypes()
            .Where(type => (type.IsSubclassOf(typeof(BudgetCommand)) || type.IsSubclassOf(typeof(SettingsEdit))) && !type.IsAbstract),
        typeof(Outcome), typeof(Policy), typeof(SettingsAnswer), typeof(UsageFilter), typeof(Page<AccountRecord>), typeof(Page<string>),
            typeof(AuditPage), typeof(UsageQuestion), typeof(UsageAnswers), typeof(Page<SessionUse>), typeof(UsageHistoryView),
    ];

    static readonly JsonSerializerOptions json = new(CoreJson.Default.Options)
    {
        TypeInfoResolver = JsonTypeInfoResolver.Combine(CoreJson.Default, WireJson.Default),
    };

    /// <summary>The same on silos and clients, or they do not understand each other. Once, however often it is called.</summary>
    public static IServiceCollection AddPurserSerialization(this IServiceCollection services)
    {
        if (services.Any(service => service.ImplementationType == typeof(SharedInstances))) return services;
        services.AddSerializer(serializer =>
        {
            serializer.AddAssembly(typeof(IBudgetGrain).Assembly);
            // Before the codec, whose own way to copy is to write and to parse again.
            serializer.Services.AddSingleton<IGeneralizedCopier, SharedInstances>();
            serializer.AddJsonSerializer(allowed.Contains, _ => false, codec =>
                codec.Configure(options => options.SerializerOptions = json));
        });
        services.Configure<ExceptionSerializationOptions>(options => options.SupportedExceptionTypeFilter = type =>
            type == typeof(LedgerUnavailableException));
        return services;
    }

    /// <summary>Contracts never change once they are made, so within a process sender and receiver share them.</summary>
    sealed class SharedInstances : IGeneralizedCopier
    {
        public bool IsSupportedType(Type type) => allowed.Contains(type);

        public object? DeepCopy(object? input, CopyContext context) => input;
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(SettingsAnswer))]
[JsonSerializable(typeof(UsageFilter))]
[JsonSerializable(typeof(UsageQuestion))]
[JsonSerializable(typeof(Page<AccountRecord>))]
[JsonSerializable(typeof(Page<string>))]
[JsonSerializable(typeof(UsageAnswers))]
[JsonSerializable(typeof(Page<SessionUse>))]
[JsonSerializable(typeof(AuditPage))]
[JsonSerializable(typeof(UsageHistoryView))]
sealed partial class WireJson : JsonSerializerContext;
