namespace Strata;

/// <summary>
/// One asynchronous lock a key, first come first served. Memory grows only with the keys that are held now.
/// </summary>
internal sealed class KeyLocks
{
    private const int StripeCount = 64;
    private readonly Stripe[] _stripes = new Stripe[StripeCount];

    public KeyLocks()
    {
        for (int i = 0; i < StripeCount; i++) _stripes[i] = new Stripe();
    }

    /// <summary>Waits for the key; dispose what is returned to let it go. Cancellation leaves the queue intact.</summary>
    public ValueTask<Held> EnterAsync(BlobKey key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Stripe stripe = StripeOf(key);
        TaskCompletionSource turn;
        lock (stripe.Gate)
        {
            if (stripe.Waiters.TryAdd(key, null)) return new(new Held(this, key));
            turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            (stripe.Waiters[key] ??= new Queue<TaskCompletionSource>()).Enqueue(turn);
        }

        return WaitAsync(turn, key, cancellationToken);
    }

    /// <summary>Takes the key only if nobody holds it.</summary>
    public bool TryEnter(BlobKey key, out Held held)
    {
        Stripe stripe = StripeOf(key);
        lock (stripe.Gate)
        {
            bool taken = stripe.Waiters.TryAdd(key, null);
            held = taken ? new Held(this, key) : default;
            return taken;
        }
    }

    private async ValueTask<Held> WaitAsync(TaskCompletionSource turn, BlobKey key, CancellationToken cancellationToken)
    {
        using (cancellationToken.UnsafeRegister(static (state, token) => ((TaskCompletionSource)state!).TrySetCanceled(token), turn))
        {
            await turn.Task.ConfigureAwait(false);
        }

        return new Held(this, key);
    }

    private void Exit(BlobKey key)
    {
        Stripe stripe = StripeOf(key);
        lock (stripe.Gate)
        {
            Queue<TaskCompletionSource>? waiters = stripe.Waiters[key];
            while (waiters is not null && waiters.TryDequeue(out TaskCompletionSource? next))
            {
                // A waiter that was cancelled meanwhile refuses its turn.
                if (next.TrySetResult()) return;
            }

            stripe.Waiters.Remove(key);
        }
    }

    private Stripe StripeOf(BlobKey key) => _stripes[(uint)key.GetHashCode() % StripeCount];

    private sealed class Stripe
    {
        public readonly Lock Gate = new();

        /// <summary>The keys held, each with those who wait for it.</summary>
        public readonly Dictionary<BlobKey, Queue<TaskCompletionSource>?> Waiters = [];
    }

    /// <summary>A key that is held.</summary>
    public readonly struct Held(KeyLocks locks, BlobKey key) : IDisposable
    {
        public void Dispose() => locks?.Exit(key);
    }
}
