namespace Strata;

/// <summary>A facet of stores that count what they hold and do.</summary>
public interface IStoreStatistics
{
    /// <summary>A snapshot; cheap enough to be asked every second.</summary>
    StoreStatistics GetStatistics();
}
