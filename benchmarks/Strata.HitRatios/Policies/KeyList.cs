namespace Strata.HitRatios;

/// <summary>Keys from the newest to the oldest, and the bytes of their values.</summary>
internal sealed class KeyList(KeyLinks links)
{
    public const int None = -1;

    public int Newest { get; private set; } = None;

    public int Oldest { get; private set; } = None;

    public int Count { get; private set; }

    public long Bytes { get; private set; }

    public bool Holds(int key) => links.In[key] == this;

    public int NewerThan(int key) => links.Newer[key];

    public void Add(int key)
    {
        links.In[key] = this;
        links.Newer[key] = None;
        links.Older[key] = Newest;
        if (Newest == None) Oldest = key;
        else links.Newer[Newest] = key;
        Newest = key;
        Count++;
        Bytes += links.Sizes[key];
    }

    public void Remove(int key)
    {
        int newer = links.Newer[key], older = links.Older[key];
        if (newer == None) Newest = older;
        else links.Older[newer] = older;
        if (older == None) Oldest = newer;
        else links.Newer[older] = newer;
        links.In[key] = null;
        Count--;
        Bytes -= links.Sizes[key];
    }

    public int RemoveOldest()
    {
        int key = Oldest;
        Remove(key);
        return key;
    }

    public void MoveToNewest(int key)
    {
        if (Newest == key) return;
        Remove(key);
        Add(key);
    }
}
