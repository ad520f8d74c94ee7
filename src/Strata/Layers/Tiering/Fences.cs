namespace Strata;

/// <summary>
/// Keeps older copies out of the upper tiers while a key is being written (CONSISTENCY 3): striped generations, never
/// evicted, and the exact keys that are fenced now.
/// </summary>
/// <remarks>
/// A write or delete raises a fence on its key: readers then pass the upper tiers by, and no fill of that key is
/// published. Raising and lowering each advance the stripe's generation; a fill captures it before it reads below and is
/// published only if it has not moved. A key whose write ended in an unknown outcome stays fenced, <em>in doubt</em>,
/// until that has been cleared up.
/// </remarks>
internal sealed class Fences
{
    private const int StripeCount = 1024;
    private readonly Stripe[] _stripes = new Stripe[StripeCount];

    /// <summary>How many keys of each stripe are fenced: apart from the stripes, so that hits find it in a few cache lines.</summary>
    private readonly int[] _counts = new int[StripeCount];
    private readonly KeyLocks _writers = new();

    public Fences()
    {
        for (int i = 0; i < StripeCount; i++) _stripes[i] = new Stripe();
    }

    /// <summary>Whether the upper tiers must be passed by. Cost: one volatile read where no key of the stripe is fenced.</summary>
    public bool IsFenced(BlobKey key)
    {
        if (Volatile.Read(ref CountOf(key)) == 0) return false;
        Stripe stripe = StripeOf(key);
        lock (stripe.Gate) return stripe.Fenced.ContainsKey(key);
    }

    /// <summary>Whether the key stays fenced though nobody writes it.</summary>
    public bool IsInDoubt(BlobKey key)
    {
        if (Volatile.Read(ref CountOf(key)) == 0) return false;
        Stripe stripe = StripeOf(key);
        lock (stripe.Gate) return stripe.Fenced.TryGetValue(key, out Marks marks) && marks.HasFlag(Marks.InDoubt);
    }

    /// <summary>Leaves a key fenced, as a write of unknown outcome does. For what was so when the store was closed.</summary>
    public void LeaveInDoubt(BlobKey key) => Leave(key, Marks.InDoubt);

    /// <summary>Leaves a key fenced that another store answers for (<see cref="Fence.IsHeld"/>), as it was when the store was closed.</summary>
    public void LeaveHeld(BlobKey key) => Leave(key, Marks.Held);

    /// <summary>What a fill captures before it reads below.</summary>
    public long Generation(BlobKey key) => Volatile.Read(ref StripeOf(key).Generation);

    /// <summary>Waits for other writers of the key and for a fill that is being published, then fences the key. Dispose to lower.</summary>
    public async ValueTask<Fence> RaiseAsync(BlobKey key, CancellationToken cancellationToken)
    {
        KeyLocks.Held writer = await _writers.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        Stripe stripe = StripeOf(key);
        try
        {
            await stripe.Publishing.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            writer.Dispose();
            throw;
        }

        lock (stripe.Gate)
        {
            stripe.Generation++;
            stripe.Fenced[key] = stripe.Fenced.GetValueOrDefault(key);
            Volatile.Write(ref CountOf(key), stripe.Fenced.Count);
        }

        stripe.Publishing.Release();
        return new Fence(this, key, writer);
    }

    /// <summary>Waits for fills that are being published, and turns away every other that has captured a generation, of whatever key.</summary>
    public async ValueTask AdvanceAllAsync(CancellationToken cancellationToken)
    {
        foreach (Stripe stripe in _stripes)
        {
            await stripe.Publishing.WaitAsync(cancellationToken).ConfigureAwait(false);
            lock (stripe.Gate) stripe.Generation++;
            stripe.Publishing.Release();
        }
    }

    /// <summary>Runs <paramref name="publish"/> unless a write has passed since the generation was captured.</summary>
    /// <returns>False if it was not run.</returns>
    public async ValueTask<bool> TryPublishAsync(BlobKey key, long generation, Func<ValueTask> publish)
    {
        Stripe stripe = StripeOf(key);
        await stripe.Publishing.WaitAsync().ConfigureAwait(false);
        try
        {
            // Both at one moment: between two looks the fence that the generation was captured behind may be lowered. Raised it
            // is not before this is over.
            lock (stripe.Gate)
            {
                if (stripe.Generation != generation || stripe.Fenced.ContainsKey(key)) return false;
            }

            await publish().ConfigureAwait(false);
            return true;
        }
        finally
        {
            stripe.Publishing.Release();
        }
    }

    /// <summary>Why a key stays fenced though nobody writes it.</summary>
    [Flags]
    private enum Marks : byte
    {
        None = 0,
        InDoubt = 1,
        Held = 2,
    }

    private Stripe StripeOf(BlobKey key) => _stripes[(uint)key.GetHashCode() % StripeCount];

    private ref int CountOf(BlobKey key) => ref _counts[(uint)key.GetHashCode() % StripeCount];

    private void Leave(BlobKey key, Marks mark)
    {
        Stripe stripe = StripeOf(key);
        lock (stripe.Gate)
        {
            stripe.Fenced[key] = stripe.Fenced.GetValueOrDefault(key) | mark;
            Volatile.Write(ref CountOf(key), stripe.Fenced.Count);
        }
    }

    private Marks MarksOf(BlobKey key)
    {
        Stripe stripe = StripeOf(key);
        lock (stripe.Gate) return stripe.Fenced.GetValueOrDefault(key);
    }

    private void Lower(BlobKey key, Marks marks, KeyLocks.Held writer)
    {
        Stripe stripe = StripeOf(key);
        lock (stripe.Gate)
        {
            stripe.Generation++;
            if (marks != Marks.None) stripe.Fenced[key] = marks;
            else stripe.Fenced.Remove(key);
            Volatile.Write(ref CountOf(key), stripe.Fenced.Count);
        }

        writer.Dispose();
    }

    /// <summary>A key that is fenced. Disposing lowers the fence, or leaves it up if the outcome is unknown.</summary>
    public sealed class Fence(Fences fences, BlobKey key, KeyLocks.Held writer) : IDisposable
    {
        private bool _lowered;

        /// <summary>Set by a write whose outcome is unknown, cleared once that has been cleared up. Starts as it was left.</summary>
        public bool InDoubt { get; set; } = fences.IsInDoubt(key);

        /// <summary>
        /// Set while another store answers for the key: then it stays fenced though nobody writes it, so that no copy of it is made,
        /// compared or dropped. Starts as it was left.
        /// </summary>
        public bool IsHeld { get; set; } = fences.MarksOf(key).HasFlag(Marks.Held);

        public BlobKey Key => key;

        public void Dispose()
        {
            if (_lowered) return;
            _lowered = true;
            fences.Lower(key, (InDoubt ? Marks.InDoubt : Marks.None) | (IsHeld ? Marks.Held : Marks.None), writer);
        }
    }

#pragma warning disable CA1001 // a semaphore whose wait handle is never taken holds nothing to dispose
    private sealed class Stripe
#pragma warning restore CA1001
    {
        public readonly Lock Gate = new();
        public readonly SemaphoreSlim Publishing = new(1);

        /// <summary>The fenced keys, each with why it stays so when nobody writes it.</summary>
        public readonly Dictionary<BlobKey, Marks> Fenced = [];
        public long Generation;
    }
}
