"""Simulated users: they ask the served model, judge by a hidden truth with noise, and rate.

The gates see nothing but these ratings. Users are many, so that a canary of one percent is a share
of people and not of requests.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any

import httpx

from flywheel.demo.client import DemoFailed, Person
from flywheel.demo.offers import Truth
from training.starter import world

USERS = 1_000_000
AT_ONCE = 24
A_ROUND = 240
# How often a user's or grader's thumb says the opposite of the truth.
NOISE = 0.03
LONGEST = 20_000


@dataclass
class Traffic:
    """Requests over time, with the outcomes that their users report."""

    app: Person
    graders: list[Person]
    truth: Truth
    rng: random.Random
    requests: int = 0
    skills: tuple[str, ...] = field(default_factory=lambda: tuple(world.SKILLS))

    def a_round(self) -> None:
        """Ask a few hundred questions, rate the answers, and judge what shadow has to show."""
        outcomes = asyncio.run(self._ask(A_ROUND))
        self.app.post("feedback/bulk", outcomes)
        self._grade()
        self.requests += len(outcomes)

    async def _ask(self, count: int) -> list[dict[str, Any]]:
        limits = httpx.Limits(max_connections=AT_ONCE)
        headers = dict(self.app.http.headers)
        gate = asyncio.Semaphore(AT_ONCE)
        async with httpx.AsyncClient(
            base_url=self.app.url, headers=headers, limits=limits, timeout=120
        ) as http:
            return list(await asyncio.gather(*(self._one(http, gate) for _ in range(count))))

    async def _one(self, http: httpx.AsyncClient, gate: asyncio.Semaphore) -> dict[str, Any]:
        question = self.truth.draw(self.rng.choice(self.skills), self.rng, held=True)
        body = {
            "model": "stable",
            "messages": [{"role": "user", "content": question.prompt}],
            "user": f"user-{self.rng.randrange(USERS)}",
            "metadata": {"skill": question.skill},
        }
        async with gate:
            response = await http.post("/v1/chat/completions", json=body)
        if response.is_error:
            raise DemoFailed(f"the gateway answered {response.status_code}: {response.text[:300]}")
        said = response.json()
        answer = said["choices"][0]["message"]["content"].strip()
        return {"trace": said["id"], "success": self._thumb(answer == question.right)}

    def _grade(self) -> None:
        """Graders judge the pairs that differ, blind, both answers at once."""
        for grader in self.graders:
            pairs = grader.get("comparisons", limit=200)["items"]
            if pairs:
                grader.post("comparisons", [self._judgement(pair) for pair in pairs])

    def _judgement(self, pair: dict[str, Any]) -> dict[str, Any]:
        right = self.truth.right[pair["messages"][-1]["content"]]
        marks = {side: self._thumb(pair[side].strip() == right) for side in ("a", "b")}
        return {"pair": pair["pair"], "a_success": marks["a"], "b_success": marks["b"]}

    def _thumb(self, right: bool) -> bool:
        return right if self.rng.random() >= NOISE else not right
