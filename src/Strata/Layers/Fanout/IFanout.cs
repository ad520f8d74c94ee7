namespace Strata;

/// <summary>The facet of a store that writes to several layers: what each of them does not have yet.</summary>
public interface IFanout
{
    /// <summary>A snapshot of each layer: those that are written, in their order, then those that are only read.</summary>
    IReadOnlyList<FanoutLayerStatus> GetLayers();

    /// <summary>Waits until each layer has all that was acknowledged before this call, or it was given up.</summary>
    /// <returns>How many keys of layers are dead letters of what was waited for.</returns>
    ValueTask<long> FlushAsync(CancellationToken cancellationToken = default);

    /// <summary>What was given up for a layer, in the order of the keys. The layer is not asked for those keys.</summary>
    /// <exception cref="ArgumentException">No layer of this name is written.</exception>
    IAsyncEnumerable<OutboxDeadLetter> ListDeadLettersAsync(string layer, CancellationToken cancellationToken = default);

    /// <summary>Sends a dead letter again: the key's state as it is by then.</summary>
    /// <returns>False: the key has none.</returns>
    /// <exception cref="ArgumentException">No layer of this name is written.</exception>
    ValueTask<bool> ReplayAsync(string layer, BlobKey key, CancellationToken cancellationToken = default);
}
