namespace Strata;

/// <summary>How a store speaks with its server.</summary>
/// <param name="Store">The store's name, for messages.</param>
/// <param name="MaxAttempts">How often one request is tried.</param>
/// <param name="RetryDelay">Pause before the second attempt; it doubles.</param>
/// <param name="ProgressTimeout">How long an attempt may go without a byte in either direction.</param>
internal sealed record RemoteLimits(string Store, int MaxAttempts, TimeSpan RetryDelay, TimeSpan ProgressTimeout);
