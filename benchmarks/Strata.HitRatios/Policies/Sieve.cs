namespace Strata.HitRatios;

/// <summary>SIEVE (Zhang et al., 2024): one queue in order of arrival, a mark on what was used, and a hand that takes what is not marked.</summary>
internal sealed class Sieve : Policy
{
    private readonly KeyList _held;
    private readonly bool[] _used;
    private int _hand = KeyList.None;

    public Sieve(Trace trace)
        : base(trace)
    {
        _held = new KeyList(new KeyLinks(Sizes));
        _used = new bool[Keys];
    }

    public override string Name => "SIEVE";

    public override bool Request(int key)
    {
        if (_held.Holds(key)) return _used[key] = true;
        while (_held.Bytes + Sizes[key] > Budget) Evict();
        _used[key] = false;
        _held.Add(key);
        return false;
    }

    private void Evict()
    {
        int candidate = _hand == KeyList.None ? _held.Oldest : _hand;
        while (_used[candidate])
        {
            _used[candidate] = false;
            candidate = _held.NewerThan(candidate);
            if (candidate == KeyList.None) candidate = _held.Oldest;
        }

        _hand = _held.NewerThan(candidate);
        _held.Remove(candidate);
    }
}
