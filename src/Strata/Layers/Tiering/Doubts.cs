using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// The keys in doubt, in memory and, where there is a database for the store's state, in its rows: so that a restart finds them
/// before it serves. Changes of a key's doubt are made under its fence.
/// </summary>
/// <param name="state">Where they are kept; null: nowhere but in memory.</param>
/// <param name="clock">Wall-clock time, as rows outlive the process.</param>
/// <param name="life">The longest life of a request to the origin: what was given up longer ago comes through no more.</param>
/// <param name="log">Says what a user should know.</param>
internal sealed class Doubts(TierState? state, TimeProvider clock, TimeSpan life, ILogger log)
{
    private const int MostBytesInMemory = 32 << 20;
    private const int LargestInMemory = 1 << 20;
    private readonly ConcurrentDictionary<BlobKey, Doubt> _doubts = new();
    private readonly ConcurrentDictionary<BlobKey, bool> _unsaved = new();
    private readonly StripedCounter _repeated = new();
    private readonly StripedCounter _lost = new();
    private long _bytesInMemory;
    private volatile string? _lastError;

    public DoubtStatus Status => new()
    {
        Keys = _doubts.Count, IsDurable = state is { IsDurable: true } && _unsaved.IsEmpty, Repeated = _repeated.Value, Lost = _lost.Value, LastError = _lastError,
    };

    /// <summary>The longest write, in bytes, whose bytes are kept here.</summary>
    public int MostBytes => state?.MostBytes ?? LargestInMemory;

    /// <summary>When the first of them is over; null if there is none.</summary>
    public DateTimeOffset? NextEnd => _doubts.IsEmpty ? null : _doubts.Values.Min(EndOf);

    public Doubt? Find(BlobKey key) => _doubts.GetValueOrDefault(key);

    /// <summary>Whether nothing that was given up can come through any more.</summary>
    public bool IsOver(Doubt doubt) => clock.GetUtcNow() >= EndOf(doubt);

    public IReadOnlyList<BlobKey> Over() => [.. _doubts.Values.Where(IsOver).Select(d => d.Key)];

    /// <summary>Reads the rows.</summary>
    /// <returns>The keys that are in doubt.</returns>
    public async ValueTask<IReadOnlyList<BlobKey>> LoadAsync(CancellationToken cancellationToken)
    {
        if (state is null) return [];
        DateTimeOffset now = clock.GetUtcNow();
        foreach (Doubt doubt in await state.ReadDoubtsAsync(cancellationToken).ConfigureAwait(false))
        {
            // A clock that was set back must not make the doubt last longer than it would from now on.
            _doubts[doubt.Key] = doubt.Since > now ? doubt with { Since = now } : doubt;
        }

        if (!_doubts.IsEmpty) log.LogInformation("{Count} keys are in doubt since before this start: changes of unknown outcome at the origin", _doubts.Count);
        return [.. _doubts.Keys];
    }

    /// <summary>A change was given up, and may yet come through.</summary>
    /// <param name="key">The blob.</param>
    /// <param name="pending">What it was.</param>
    /// <param name="isRepetition">True if it was the last intention, made again: then that stays the last.</param>
    public ValueTask NoteUnknownAsync(BlobKey key, PendingChanges pending, bool isRepetition = false)
    {
        Doubt doubt = Find(key) ?? new Doubt { Key = key, Since = default, Pending = PendingChanges.None };
        if (state is null && _doubts.IsEmpty)
            log.LogWarning("A change of '{Key}' is of unknown outcome, and there is no database for the store's state: a restart forgets that the key is in doubt. Set State (in the configuration Tiering:State)", key);
        return SaveAsync(doubt with
        {
            Since = clock.GetUtcNow(),
            Pending = doubt.Pending | pending,
            FollowedBy = isRepetition || doubt.Intention == LastIntention.None ? doubt.FollowedBy : doubt.FollowedBy | pending,
        });
    }

    /// <summary>A delete was acknowledged.</summary>
    public ValueTask NoteDeletedAsync(BlobKey key, BlobVersion version)
    {
        // Without a tombstone: the last stamp of this millisecond, as what was given up has an older one.
        var now = new BlobVersion(BlobVersion.At(clock.GetUtcNow()).Value | 0xFFFF);
        return Find(key) is { } doubt
            ? SaveAsync(doubt with { Intention = LastIntention.Delete, Version = version > now ? version : now, Info = null, FollowedBy = PendingChanges.None, Parts = 0, Bytes = null }, before: doubt.Parts)
            : default;
    }

    /// <summary>A write was acknowledged.</summary>
    /// <param name="info">The blob.</param>
    /// <param name="bytes">Its bytes, at most <see cref="MostBytes"/>; null if they are not to be kept here.</param>
    /// <returns>Whether its bytes are kept here.</returns>
    public async ValueTask<bool> NoteWrittenAsync(BlobInfo info, byte[]? bytes)
    {
        if (Find(info.Key) is not { } doubt) return false;
        bool inMemory = bytes is not null && state is null && Interlocked.Read(ref _bytesInMemory) + bytes.Length <= MostBytesInMemory;
        Doubt written = doubt with
        {
            Intention = LastIntention.Write, Version = info.Version, Info = info with { Tier = null }, FollowedBy = PendingChanges.None,
            Parts = bytes is null || state is null ? 0 : state.PartsOf(bytes.Length), Bytes = inMemory ? bytes : null,
        };
        await SaveAsync(written, bytes ?? default(ReadOnlyMemory<byte>), doubt.Parts).ConfigureAwait(false);
        return bytes is { Length: 0 } || inMemory || written.Parts > 0;
    }

    /// <summary>The bytes of the last write, where they are kept here.</summary>
    public async ValueTask<byte[]?> BytesOfAsync(Doubt doubt)
    {
        if (doubt.Info is { Length: 0 }) return [];
        return doubt.Bytes ?? (doubt.Parts > 0 ? await state!.ReadBytesAsync(doubt).ConfigureAwait(false) : null);
    }

    /// <summary>The last intention was made again.</summary>
    public void NoteRepeated(Doubt doubt)
    {
        _repeated.Increment();
        log.LogWarning("An older change of '{Key}' came through behind a later {Intention}, which was made again", doubt.Key, doubt.Intention);
    }

    /// <summary>The last intention cannot be made again: what the origin holds counts.</summary>
    public ValueTask GiveUpAsync(Doubt doubt)
    {
        _lost.Increment();
        _lastError = $"An older change of '{doubt.Key}' came through behind the write {doubt.Version}, whose bytes are kept nowhere.";
        log.LogError("An older change of '{Key}' came through behind the write {Version}, whose {Length} bytes are kept nowhere: the origin keeps the older change", doubt.Key, doubt.Version, doubt.Info!.Length);
        return SaveAsync(doubt with { Intention = LastIntention.None, Info = null, FollowedBy = PendingChanges.None, Parts = 0, Bytes = null }, before: doubt.Parts);
    }

    /// <summary>The doubt is over.</summary>
    public async ValueTask EndAsync(BlobKey key)
    {
        if (!_doubts.TryGetValue(key, out Doubt? doubt)) return;
        if (state is not null) await state.RemoveAsync(doubt).ConfigureAwait(false);
        _doubts.TryRemove(key, out _);
        _unsaved.TryRemove(key, out _);
        Interlocked.Add(ref _bytesInMemory, -(doubt.Bytes?.Length ?? 0));
    }

    /// <summary>Says why a key could not be cleared up.</summary>
    public void NoteError(BlobKey key, Exception e)
    {
        _lastError = e.Message;
        log.LogWarning(e, "'{Key}' cannot be cleared up yet; it stays in doubt", key);
    }

    private DateTimeOffset EndOf(Doubt doubt) => doubt.Since + life;

    private async ValueTask SaveAsync(Doubt doubt, ReadOnlyMemory<byte> bytes = default, int before = 0)
    {
        long inMemory = (doubt.Bytes?.Length ?? 0) - (Find(doubt.Key)?.Bytes?.Length ?? 0);
        Interlocked.Add(ref _bytesInMemory, inMemory);
        _doubts[doubt.Key] = doubt;
        if (state is null) return;
        try
        {
            await state.KeepAsync(doubt, bytes, before).ConfigureAwait(false);
            _unsaved.TryRemove(doubt.Key, out _);
        }
        catch (Exception e)
        {
            // It counts in memory all the same. The bytes go there too: rows that were not written hold none.
            if (!bytes.IsEmpty)
            {
                _doubts[doubt.Key] = doubt with { Parts = 0, Bytes = bytes.ToArray() };
                Interlocked.Add(ref _bytesInMemory, bytes.Length);
            }

            _unsaved[doubt.Key] = true;
            _lastError = e.Message;
            log.LogError(e, "The row of '{Key}', which is in doubt, could not be written to '{Database}': a restart would forget it", doubt.Key, state.Name);
        }
    }
}
