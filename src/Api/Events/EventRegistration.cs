// Registers what tells people: the tail of the feed, and webhooks.
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Purser.Api.Access;
using Purser.Api.Alerts;
using Purser.Api.Endpoints;
using Purser.Api.Metrics;
using Purser.Engine;

namespace Purser.Api.Events;

public static class EventRegistration
{
    public static IServiceCollection AddPurserEvents(this IServiceCollection services, IConfiguration configuration)
    {
        services.TryAddSingleton<Bell>();
        services.AddSingleton(WebhookTargets.Of(configuration));
        services.AddSingleton(provider => new EventTail(
            provider.GetRequiredService<IEventFeed>(), provider.GetRequiredService<IUsageQueries>(),
            provider.GetRequiredService<Bell>(), TimeOf(provider), provider.GetRequiredService<ILogger<EventTail>>()));
        services.AddSingleton(provider => new Trail(
            provider.GetRequiredService<IEventFeed>(), ClockOf(provider), provider.GetRequiredService<Bell>()));
        services.AddSingleton(provider => new WebhookStore(provider.GetRequiredService<ISharedState>()));
        services.AddSingleton(ListenerLimit.Of(configuration));
        services.AddSingleton(provider => new WebhookSender(ClockOf(provider), provider.GetRequiredService<WebhookTargets>().Any,
            reach: provider.GetService<Reach>()));
        services.AddSingleton(provider => new WebhookWatch(
            provider.GetRequiredService<WebhookStore>(), provider.GetRequiredService<WebhookSender>(),
            provider.GetRequiredService<EventTail>(), provider.GetRequiredService<IEventFeed>(), ClockOf(provider), TimeOf(provider),
            provider.GetRequiredService<ILogger<WebhookWatch>>()));
        services.AddHostedService(provider => provider.GetRequiredService<WebhookWatch>());
        services.AddSingleton<IFeedTaker>(provider => new Announcer(
            provider.GetRequiredService<IEventFeed>(), provider.GetRequiredService<IUsageHistories>(),
            provider.GetRequiredService<IBudgetAuthority>(), provider.GetRequiredService<ISharedState>(),
            provider.GetRequiredService<KeyRing>(), ClockOf(provider), TimeOf(provider),
            provider.GetRequiredService<ILogger<Announcer>>(), provider.GetRequiredService<Bell>()));
        services.AddPurserAlerts(configuration);
        if (MetricAccounts.Of(configuration) is { Patterns.Count: > 0 } labelled)
            services.AddSingleton<IFeedTaker>(provider => new BudgetGauges(labelled, provider.GetRequiredService<IBudgetAuthority>(),
                provider.GetRequiredService<IUsageQueries>(), provider.GetRequiredService<IMeterFactory>(), TimeOf(provider)));
        return services.AddHostedService(provider => new FeedWatch(
            provider.GetRequiredService<IEventFeed>(), provider.GetRequiredService<ISharedState>(), provider.GetServices<IFeedTaker>(),
            provider.GetRequiredService<Bell>(), () => provider.GetRequiredService<EventTail>().IsFollowed, ClockOf(provider),
            TimeOf(provider), provider.GetRequiredService<ILogger<FeedWatch>>()));
    }

    /// <summary>What is wrong with the settings of webhooks, mail and streams, one line each.</summary>
    public static IEnumerable<string> Problems(IConfiguration configuration) =>
        new[]
        {
            WebhookTargets.Problem(configuration), ListenerLimit.Problem(configuration), MailSettings.Problem(configuration),
            MetricAccounts.Problem(configuration),
        }.OfType<string>();

    static void AddPurserAlerts(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton(provider => new AlertStore(provider.GetRequiredService<ISharedState>()));
        services.AddSingleton(new MailSender(MailSettings.Of(configuration)));
        services.AddSingleton(provider => new AlertPost(
            provider.GetRequiredService<AlertStore>(), SendersOf(provider), ClockOf(provider),
            provider.GetRequiredService<ILogger<AlertPost>>()));
        services.AddSingleton(provider => new AlertSummaries(
            provider.GetRequiredService<AlertStore>(), provider.GetRequiredService<MailSender>(),
            provider.GetRequiredService<IUsageQueries>(), ClockOf(provider), provider.GetRequiredService<ILogger<AlertSummaries>>()));
        services.AddSingleton(provider => new AlertBook(
            provider.GetRequiredService<AlertStore>(), provider.GetRequiredService<AlertPost>(),
            provider.GetRequiredService<WebhookStore>(), provider.GetRequiredService<ISharedState>(), ClockOf(provider), TimeOf(provider),
            provider.GetRequiredService<ILogger<AlertBook>>()) { Summaries = provider.GetRequiredService<AlertSummaries>() });
        services.AddSingleton<IFeedTaker>(provider => provider.GetRequiredService<AlertBook>());
    }

    static IAlertSender[] SendersOf(IServiceProvider services)
    {
        var http = services.GetRequiredService<WebhookSender>();
        return
        [
            new LogSender(services.GetRequiredService<ILogger<LogSender>>()), new AlertWebhookSender(http), new SlackSender(http),
            new TeamsSender(http), new PagerDutySender(http), services.GetRequiredService<MailSender>(),
        ];
    }

    static TimeProvider TimeOf(IServiceProvider services) => services.GetService<TimeProvider>() ?? TimeProvider.System;

    static LedgerClock ClockOf(IServiceProvider services) => services.GetService<LedgerClock>() ?? new(TimeOf(services));
}
