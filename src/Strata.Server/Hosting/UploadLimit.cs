using System.Runtime.InteropServices;

namespace Strata.Server;

/// <summary>
/// Counts the request bodies that are received at once, so that their buffers together stay bounded, and those of each
/// client, so that one whose uploads stall leaves room for others.
/// </summary>
internal sealed class UploadLimit(StrataServerOptions options, ServerMetrics metrics)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _byClient = new(StringComparer.Ordinal);
    private readonly int _share = options.MaxUploadsPerClient ?? ((options.MaxUploads - 1) / 4) + 1;
    private int _underWay;

    /// <summary>Clients that have uploads under way.</summary>
    public int Clients
    {
        get
        {
            lock (_lock) return _byClient.Count;
        }
    }

    /// <summary>Takes a place, which <see cref="End"/> gives back; false, and counted as a refusal, if all are taken, or all of this client.</summary>
    /// <param name="client">By <see cref="ClientName"/>.</param>
    public bool TryBegin(string client)
    {
        bool isFull;
        lock (_lock)
        {
            isFull = _underWay >= options.MaxUploads;
            if (!isFull)
            {
                ref int own = ref CollectionsMarshal.GetValueRefOrAddDefault(_byClient, client, out _);
                if (own < _share)
                {
                    own++;
                    _underWay++;
                    return true;
                }
            }
        }

        metrics.CountRefusal(isFull ? "uploads" : "share");
        return false;
    }

    /// <summary>Gives a place back.</summary>
    public void End(string client)
    {
        lock (_lock)
        {
            _underWay--;
            ref int own = ref CollectionsMarshal.GetValueRefOrNullRef(_byClient, client);
            if (--own == 0) _byClient.Remove(client);
        }
    }
}
