namespace Strata.HitRatios;

/// <summary>
/// The candidate: the queues of S3-FIFO, whose shares adapt to what left too early, as ARC's lists do. One read is enough to
/// leave the small queue for the main one. Names of both queues are kept, as many bytes of them together as are held.
/// </summary>
internal sealed class AdaptiveS3Fifo : Policy
{
    private const int MostUses = 2;
    private const double LeastShare = 0.01;
    private const double MostShare = 0.8;
    private readonly KeyLinks _links;
    private readonly KeyList _small;
    private readonly KeyList _main;
    private readonly KeyList _smallGone;
    private readonly KeyList _mainGone;
    private readonly byte[] _uses;
    private double _target;

    public AdaptiveS3Fifo(Trace trace)
        : base(trace)
    {
        _links = new KeyLinks(Sizes);
        (_small, _main, _smallGone, _mainGone) = (new(_links), new(_links), new(_links), new(_links));
        _uses = new byte[Keys];
        _target = 0.1 * Budget;
    }

    public override string Name => "adaptive";

    public override bool Request(int key)
    {
        KeyList? list = _links.In[key];
        if (list == _small || list == _main)
        {
            _uses[key] = (byte)Math.Min(_uses[key] + 1, MostUses);
            return true;
        }

        double size = Sizes[key];
        if (list == _smallGone) _target = Math.Min(MostShare * Budget, _target + (size * Math.Max(1.0, (double)_mainGone.Bytes / _smallGone.Bytes)));
        else if (list == _mainGone) _target = Math.Max(LeastShare * Budget, _target - (size * Math.Max(1.0, (double)_smallGone.Bytes / _mainGone.Bytes)));
        list?.Remove(key);
        while (_small.Bytes + _main.Bytes + Sizes[key] > Budget) Evict();
        _uses[key] = 0;

        // What left the main queue begins anew: in a loop that does not fit, part of it stays.
        (list == _smallGone ? _main : _small).Add(key);
        while (_smallGone.Count > 0 && Math.Min(_small.Bytes, _target) + _smallGone.Bytes > Budget) _smallGone.RemoveOldest();
        while (_mainGone.Count > 0 && _smallGone.Bytes + _mainGone.Bytes > Budget) _mainGone.RemoveOldest();
        return false;
    }

    private void Evict()
    {
        bool fromSmall = _main.Count == 0 || (_small.Count > 0 && _small.Bytes >= _target);
        int key = (fromSmall ? _small : _main).RemoveOldest();
        if (_uses[key] == 0)
        {
            (fromSmall ? _smallGone : _mainGone).Add(key);
            return;
        }

        _uses[key] = fromSmall ? (byte)0 : (byte)(_uses[key] - 1);
        _main.Add(key);
    }
}
