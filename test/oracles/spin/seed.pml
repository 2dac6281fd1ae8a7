/* A model of the same protocols, written by hand and apart from this project, kept as an oracle: its verdicts
 * are what the project's own checker must reproduce on the same protocols.
 *   PROTO 0 overwrite in place, 1 int3 + emulate, 2 one stub, 3 two stubs (STI shadow), 4 spin by IRET
 *   OMIT  0 none, 1..3 leave out that sync;  IRQOFF 1 the site runs with IF=0
 *   NV victims, NMIS how many NMIs may arrive per victim, ROUNDS patches in a row (stubs are reused)
 * Checked: torn instruction, unhandled trap, stub executed after release, and (LTL) the patcher ends. */
#ifndef PROTO
#define PROTO 1
#endif
#ifndef OMIT
#define OMIT 0
#endif
#ifndef IRQOFF
#define IRQOFF 0
#endif
#ifndef NV
#define NV 1
#endif
#ifndef NMIS
#define NMIS 0
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#define CALL 0
#define INT3 1
byte b0 = CALL, t1 = 0, t2 = 0;
byte v0[NV], v1[NV], v2[NV];      /* what an instruction fetch may still see, one bit a value */
byte ipi[NV];                      /* 0 none, 1 in flight, 2 pending: taken at the first boundary with IF=1 and no shadow */
bit armed, ended;
byte gen;                          /* which patch the stub's bytes belong to; 0: released */
#define FRESH(c) v0[c] = 1 << b0; v1[c] = 1 << t1; v2[c] = 1 << t2
#define SEES(m, x) ((m) & (1 << (x)))

#define TAKE (ipi[c] == 2 && IF && !shadow && pc != 1)
proctype apic(byte c) { do :: ipi[c] == 1 -> ipi[c] = 2 od }
proctype victim(byte c) {
  byte pc = 0, g = 0, nmi = NMIS, f0, f1, f2;
  bit IF = !IRQOFF, shadow = 0, sti = 0;
  do
  :: atomic { TAKE -> FRESH(c); ipi[c] = 0 }
  :: atomic { nmi > 0 && pc != 1 -> nmi--; shadow = 0; FRESH(c) }
  :: atomic { !TAKE && pc == 0 -> shadow = 0;
       if :: SEES(v0[c], CALL) -> f0 = CALL :: SEES(v0[c], INT3) -> f0 = INT3 fi;
       if
       :: f0 == INT3 -> FRESH(c); IF = 0; pc = 1
       :: else ->
          if :: SEES(v1[c], 0) -> f1 = 0 :: SEES(v1[c], 1) -> f1 = 1 fi;
          if :: SEES(v2[c], 0) -> f2 = 0 :: SEES(v2[c], 1) -> f2 = 1 fi;
          assert(f1 == f2); /* torn */
          pc = 4
       fi; f0 = 0; f1 = 0; f2 = 0 }
  :: atomic { !TAKE && pc == 1 -> FRESH(c);
#if PROTO == 1
       assert(armed); IF = !IRQOFF; pc = 4
#elif PROTO == 2
       assert(armed); IF = !IRQOFF; g = gen; pc = 2
#elif PROTO == 3
       assert(armed); g = gen; sti = !IRQOFF; IF = 0; pc = 2
#else
       IF = !IRQOFF; pc = 0
#endif
     }
  :: atomic { !TAKE && pc == 2 -> assert(gen == g); if :: sti -> pc = 5 :: else -> pc = 3 fi }
  :: atomic { !TAKE && pc == 5 -> assert(gen == g); IF = 1; shadow = 1; pc = 3 }
  :: atomic { !TAKE && pc == 3 -> assert(gen == g); shadow = 0; g = 0; sti = 0; pc = 4 }
  :: atomic { !TAKE && pc == 4 -> IF = 1; pc = 6 }      /* the callee returned; irqs are on between two calls */
  :: atomic { !TAKE && pc == 6 -> IF = !IRQOFF; pc = 0 }
  od
}
inline wr0(x) { atomic { b0 = (x); c = 0; do :: c < NV -> v0[c] = v0[c] | (1 << (x)); c++ :: else -> break od } }
inline wr1(x) { atomic { t1 = (x); c = 0; do :: c < NV -> v1[c] = v1[c] | (1 << (x)); c++ :: else -> break od } }
inline wr2(x) { atomic { t2 = (x); c = 0; do :: c < NV -> v2[c] = v2[c] | (1 << (x)); c++ :: else -> break od } }
inline sync_cores() {
  atomic { c = 0; do :: c < NV -> ipi[c] = 1; c++ :: else -> break od }
  c = 0; do :: c < NV -> ipi[c] == 0; c++ :: else -> break od; c = 0
}
active proctype patcher() {
  byte r = 0, c = 0;
  atomic { do :: c < NV -> FRESH(c); c++ :: else -> break od; c = 0; do :: c < NV -> run victim(c); run apic(c); c++ :: else -> break od; c = 0 }
  do
  :: r < ROUNDS -> r++;
     gen = r;
#if PROTO != 0
     armed = 1; wr0(INT3);
#if OMIT != 1
     sync_cores();
#endif
#endif
     wr1(r & 1); wr2(r & 1);
#if PROTO != 0
#if OMIT != 2
     sync_cores();
#endif
     wr0(CALL);
#endif
#if OMIT != 3
     sync_cores();
#endif
     armed = 0; gen = 0
  :: else -> break
  od;
  ended = 1
}
#ifdef LIVE
ltl ends { <> ended }
#endif
