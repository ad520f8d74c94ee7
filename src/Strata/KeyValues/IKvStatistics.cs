namespace Strata;

/// <summary>What a KV database implements besides if it counts what it holds and does.</summary>
public interface IKvStatistics
{
    /// <summary>A snapshot; cheap enough to be asked every second.</summary>
    KvStatistics GetStatistics();
}
