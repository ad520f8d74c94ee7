using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>The keys that a person keeps in a tier: in memory, for every read asks, and in rows, where there is a database for the store's state.</summary>
/// <param name="state">Where they are kept; null: nowhere but in memory.</param>
/// <param name="map">The tiers.</param>
/// <param name="log">Says what a user should know.</param>
internal sealed class TierPins(TierState? state, TierMap map, ILogger log) : IDisposable
{
    private const byte Format = 1;
    private const int Most = 100_000;
    private readonly ConcurrentDictionary<BlobKey, int> _pins = new();
    private readonly SemaphoreSlim _changing = new(1);

    public IReadOnlyList<TierPin> All => [.. _pins.OrderBy(pin => pin.Key).Select(pin => new TierPin(pin.Key, map.Names[pin.Value]))];

    /// <summary>The place of the tier that the key is pinned to. Takes no lock.</summary>
    public int? Find(BlobKey key) => !_pins.IsEmpty && _pins.TryGetValue(key, out int tier) ? tier : null;

    /// <summary>Reads the rows. A pin to a tier that there is not any more, or not now, is left alone, and does nothing.</summary>
    public async ValueTask LoadAsync(CancellationToken cancellationToken)
    {
        if (state is null) return;
        foreach ((BlobKey key, ReadOnlyMemory<byte> row) in await state.ReadTableAsync(TierState.PinTable, cancellationToken).ConfigureAwait(false))
        {
            string? tier = row.Length > 1 && row.Span[0] == Format ? Encoding.UTF8.GetString(row.Span[1..]) : null;
            if (tier is not null && map.Find(tier) is >= 0 and var place) _pins[key] = place;
            else log.LogWarning("'{Key}' is pinned to {Tier}, which is no tier of this store: the pin does nothing", key, tier ?? "something unreadable");
        }
    }

    public async ValueTask SetAsync(BlobKey key, int tier, CancellationToken cancellationToken)
    {
        await _changing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (!_pins.ContainsKey(key) && _pins.Count >= Most) throw new StorageException(StorageErrorKind.Full, $"{Most} keys are pinned already: a rule takes their place better.") { Operation = "pin", Key = key };
            if (state is not null) await KeepAsync(key, [Format, .. Encoding.UTF8.GetBytes(map.Names[tier])], "pin", cancellationToken).ConfigureAwait(false);
            _pins[key] = tier;
        }
        finally
        {
            _changing.Release();
        }
    }

    public async ValueTask<bool> RemoveAsync(BlobKey key, CancellationToken cancellationToken)
    {
        await _changing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // The row goes first, and also where it names a tier that there is not.
            if (state is not null) await KeepAsync(key, null, "unpin", cancellationToken).ConfigureAwait(false);
            return _pins.TryRemove(key, out _);
        }
        finally
        {
            _changing.Release();
        }
    }

    public void Dispose() => _changing.Dispose();

    private async ValueTask KeepAsync(BlobKey key, byte[]? row, string operation, CancellationToken cancellationToken)
    {
        try
        {
            await state!.SetAsync(TierState.PinTable, key, row, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            throw new StorageException(e.Kind, $"The pin of '{key}' could not be written to '{state!.Name}': {e.Message}", e) { Operation = operation, Key = key, Outcome = e.Outcome, IsTransient = e.IsTransient };
        }
    }
}
