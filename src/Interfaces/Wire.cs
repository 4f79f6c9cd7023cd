// What may travel between nodes and how: the domain's own JSON, for types that are named here and no others.
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;
using Orleans.Serialization.Cloning;
using Orleans.Serialization.Configuration;
using Purser.Core;
using Purser.Engine;

namespace Purser.Interfaces;

public static class Wire
{
    /// <summary>
    /// What each type is called between nodes, whatever its class is called: silos of two versions understand each other while one replaces
    /// the other. A name is never changed and never reused.
    /// </summary>
    static readonly Dictionary<string, Type> names = new()
    {
        ["purser.outcome"] = typeof(Outcome), ["purser.policy"] = typeof(Policy),
        ["purser.settings"] = typeof(SettingsAnswer), ["purser.settings.changes"] = typeof(SettingsChanges),
        ["purser.usage.filter"] = typeof(UsageFilter),
        ["purser.usage.account-record"] = typeof(AccountRecord), ["purser.usage.audit"] = typeof(AuditPage),
        ["purser.usage.question"] = typeof(UsageQuestion), ["purser.usage.answers"] = typeof(UsageAnswers),
        ["purser.usage.session"] = typeof(SessionUse),
        ["purser.usage.history"] = typeof(UsageHistoryView), ["purser.command"] = typeof(BudgetCommand),
        ["purser.settings.edit"] = typeof(SettingsEdit), ["purser.page`1"] = typeof(Page<>),
        ["purser.ledger-unavailable"] = typeof(LedgerUnavailableException),
    };

    static readonly HashSet<Type> allowed =
    [
        .. Kinds(typeof(BudgetCommand)).Values, .. Kinds(typeof(SettingsEdit)).Values,
        typeof(Outcome), typeof(Policy), typeof(SettingsAnswer), typeof(SettingsChanges), typeof(UsageFilter), typeof(Page<AccountRecord>),
        typeof(Page<string>),
        typeof(AuditPage), typeof(UsageQuestion), typeof(UsageAnswers), typeof(Page<SessionUse>), typeof(UsageHistoryView),
    ];

    /// <summary>Commands and edits are called what they are called in JSON.</summary>
    static Dictionary<string, Type> Kinds(Type root) => root.GetCustomAttributes<JsonDerivedTypeAttribute>()
        .ToDictionary(kind => (string)kind.TypeDiscriminator!, kind => kind.DerivedType);

    /// <summary>All names, for whoever wants to know what must not change.</summary>
    public static IReadOnlyDictionary<string, Type> Names { get; } = names
        .Concat(Kinds(typeof(BudgetCommand)).Select(kind => new KeyValuePair<string, Type>("purser.command." + kind.Key, kind.Value)))
        .Concat(Kinds(typeof(SettingsEdit)).Select(kind => new KeyValuePair<string, Type>("purser.settings.edit." + kind.Key, kind.Value)))
        .ToDictionary();

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
        services.Configure<TypeManifestOptions>(manifest =>
        {
            foreach (var (name, type) in Names) manifest.WellKnownTypeAliases[name] = type;
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
[JsonSerializable(typeof(SettingsChanges))]
[JsonSerializable(typeof(UsageFilter))]
[JsonSerializable(typeof(UsageQuestion))]
[JsonSerializable(typeof(Page<AccountRecord>))]
[JsonSerializable(typeof(Page<string>))]
[JsonSerializable(typeof(UsageAnswers))]
[JsonSerializable(typeof(Page<SessionUse>))]
[JsonSerializable(typeof(AuditPage))]
[JsonSerializable(typeof(UsageHistoryView))]
sealed partial class WireJson : JsonSerializerContext;
