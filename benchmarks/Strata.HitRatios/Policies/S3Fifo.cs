namespace Strata.HitRatios;

/// <summary>S3-FIFO as published (Yang et al., 2023): a small queue that most values leave at once, a main queue, and the names of those that left.</summary>
internal sealed class S3Fifo : Policy
{
    private readonly KeyLinks _links;
    private readonly KeyList _small;
    private readonly KeyList _main;
    private readonly KeyList _ghost;
    private readonly byte[] _uses;

    public S3Fifo(Trace trace)
        : base(trace)
    {
        _links = new KeyLinks(Sizes);
        (_small, _main, _ghost) = (new(_links), new(_links), new(_links));
        _uses = new byte[Keys];
    }

    public override string Name => "S3-FIFO";

    public override bool Request(int key)
    {
        KeyList? list = _links.In[key];
        if (list == _small || list == _main)
        {
            _uses[key] = (byte)Math.Min(_uses[key] + 1, 3);
            return true;
        }

        list?.Remove(key);
        while (_small.Bytes + _main.Bytes + Sizes[key] > Budget) Evict();
        _uses[key] = 0;
        (list == _ghost ? _main : _small).Add(key);
        return false;
    }

    private void Evict()
    {
        if (_main.Count == 0 || (_small.Count > 0 && _small.Bytes >= Budget / 10)) EvictSmall();
        else EvictMain();
    }

    private void EvictSmall()
    {
        int key = _small.RemoveOldest();
        if (_uses[key] > 1)
        {
            _uses[key] = 0;
            _main.Add(key);
            return;
        }

        _ghost.Add(key);
        while (_ghost.Bytes > Budget * 9 / 10) _ghost.RemoveOldest();
    }

    private void EvictMain()
    {
        while (_uses[_main.Oldest] > 0)
        {
            int kept = _main.RemoveOldest();
            _uses[kept]--;
            _main.Add(kept);
        }

        _main.RemoveOldest();
    }
}
