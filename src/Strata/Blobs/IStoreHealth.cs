namespace Strata;

/// <summary>A facet of stores over a network: whether they are reached. A tier's <see cref="TierStatistics.Fault"/> shows it.</summary>
public interface IStoreHealth
{
    /// <summary>
    /// What was wrong with the last request, as a sentence for whoever runs the store; null once one was answered, and before the
    /// first. Nothing is asked for it: a store that nobody uses tells what it last knew.
    /// </summary>
    string? Fault { get; }
}
