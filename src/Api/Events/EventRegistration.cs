// Registers what tells people: the tail of the feed, and webhooks.
using Purser.Api.Access;
using Purser.Api.Endpoints;
using Purser.Engine;

namespace Purser.Api.Events;

public static class EventRegistration
{
    public static IServiceCollection AddPurserEvents(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton(WebhookTargets.Of(configuration));
        services.AddSingleton(provider => new EventTail(
            provider.GetRequiredService<IEventFeed>(), provider.GetRequiredService<IUsageQueries>(), TimeOf(provider),
            provider.GetRequiredService<ILogger<EventTail>>()));
        services.AddSingleton(provider => new WebhookStore(provider.GetRequiredService<ISharedState>()));
        services.AddSingleton(provider => new WebhookSender(ClockOf(provider), provider.GetRequiredService<WebhookTargets>().Any));
        services.AddSingleton(provider => new WebhookWatch(
            provider.GetRequiredService<WebhookStore>(), provider.GetRequiredService<WebhookSender>(),
            provider.GetRequiredService<EventTail>(), ClockOf(provider), TimeOf(provider),
            provider.GetRequiredService<ILogger<WebhookWatch>>()));
        services.AddHostedService(provider => provider.GetRequiredService<WebhookWatch>());
        services.AddSingleton<IFeedTaker>(provider => new Announcer(
            provider.GetRequiredService<IEventFeed>(), provider.GetRequiredService<IUsageHistories>(),
            provider.GetRequiredService<IBudgetAuthority>(), provider.GetRequiredService<ISharedState>(),
            provider.GetRequiredService<KeyRing>(), ClockOf(provider), TimeOf(provider),
            provider.GetRequiredService<ILogger<Announcer>>()));
        return services.AddHostedService(provider => new FeedWatch(
            provider.GetRequiredService<IEventFeed>(), provider.GetRequiredService<ISharedState>(), provider.GetServices<IFeedTaker>(),
            ClockOf(provider), TimeOf(provider), provider.GetRequiredService<ILogger<FeedWatch>>()));
    }

    static TimeProvider TimeOf(IServiceProvider services) => services.GetService<TimeProvider>() ?? TimeProvider.System;

    static LedgerClock ClockOf(IServiceProvider services) => services.GetService<LedgerClock>() ?? new(TimeOf(services));
}
